"""Projects, which group the jobs, models and datasets of an organization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qai_hub.display import html
from qai_hub.display.text import format_fields

if TYPE_CHECKING:
    from qai_hub.owner import Owner


class Project:
    """A project, which groups jobs, models and datasets.

    Attributes:
        project_id: Identifier; starts with `p`.
        name: Display name.
        description: Description, if it has one.

    Examples:
        >>> project = hub.Project(client, "p1abcdef2", "vision")
        >>> project
        Project(project_id='p1abcdef2', name='vision')
    """

    def __init__(
        self,
        owner: Owner,
        project_id: str,
        project_name: str,
        project_description: str | None = None,
    ) -> None:
        self._owner = owner
        self.project_id = project_id
        self.name = project_name
        self.description = project_description

    @staticmethod
    def get_project_id(project: str | Project | None) -> str | None:
        """Returns the identifier of a project, given in any form.

        Args:
            project: A project, its identifier, or None for none.

        Returns:
            The identifier, or None.

        Examples:
            >>> hub.Project.get_project_id("p1abcdef2")
            'p1abcdef2'
        """
        return project.project_id if isinstance(project, Project) else project

    def __repr__(self) -> str:
        return format_fields("Project", {"project_id": self.project_id, "name": self.name})

    def _repr_html_(self) -> str:
        return html.card(
            html.headline("Project", html.code(self.project_id), self.name),
            html.paragraph(self.description or ""),
        )

    def _html_row(self) -> dict[str, str]:
        return {
            "project": html.code(self.project_id),
            "name": html.name(self.name),
            "description": self.description or "",
        }
