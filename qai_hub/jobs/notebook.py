"""Jobs in notebooks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from html import escape


class ShownInNotebooks(ABC):
    """Something with a page on the hub, which notebooks show as a link."""

    job_id: str
    name: str

    @property
    @abstractmethod
    def url(self) -> str:
        """URL of its page."""

    @property
    @abstractmethod
    def job_type(self) -> str:
        """Its type in lower case."""

    def _repr_html_(self) -> str:
        page, label = escape(self.url), escape(self.job_id)
        link = f'<a href="{page}" target="_blank" rel="noopener">{label}</a>'
        shown = link if self.url.startswith(("https://", "http://")) else label
        return f"<b>{escape(self.job_type)} job</b> {shown} {escape(self.name)}"
