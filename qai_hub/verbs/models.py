"""The client's methods on models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qai_hub.models import Model
from qai_hub.sources import source_file
from qai_hub.submission import check_text, default_name
from qai_hub.transport.values import id_of_made, identified, listed, not_understood
from qai_hub.uploads import upload_model_file
from qai_hub.verbs.base import Verbs, identifier, naming
from qai_hub.verbs.pages import Page, Place, mapped, some_items

if TYPE_CHECKING:
    from qai_hub_api import models as api

    from qai_hub.projects import Project


class ModelVerbs(Verbs):
    """Methods on models."""

    def upload_model(
        self,
        model: Any,  # noqa: ANN401 (a path, or a model of one of several packages)
        name: str | None = None,
        project: str | Project | None = None,
    ) -> Model:
        """Uploads a model.

        Args:
            model: Path of a file, whose suffix tells the format: `.onnx`, `.pt` (TorchScript),
                `.pt2` (an exported program), `.tflite`, `.dlc`, `.bin` and others. Or of a folder:
                one `.onnx` file, with its weights in one `.data` or `.bin` file and AIMET's
                `.encodings`, if there are any; or an `.mlpackage` or `.mlmodelc`. Or of a ZIP
                archive of such a folder. Or a model in memory: an `onnx.ModelProto`, a
                `torch.export.ExportedProgram`, a traced or scripted torch module, a Core ML
                `MLModel`, or the bytes of a TFLite model. A `Model` is given back as it is.
            name: Name that people will see; None takes the file's.
            project: Project that it goes to; None takes the client's.

        Returns:
            The model.

        Raises:
            FileNotFoundError: If there is nothing at the path.
            UserError: If it is not a model that can be uploaded.

        Examples:
            >>> model = hub.upload_model("model.onnx", name="classifier")
            >>> model.name
            'classifier'
        """
        from qai_hub_api.api.models import create_model
        from qai_hub_api.api.projects import create_project_model
        from qai_hub_api.models import ModelCreate, ModelType

        if isinstance(model, Model):
            return model
        project_id = self._project_id(project)
        name = check_text("name", name)
        with source_file(model) as source:
            body = ModelCreate(
                name=name or default_name(source.name),
                model_type=ModelType(f"MODEL_TYPE_{source.model_type.name}"),
                is_directory=source.is_directory,
            )
            if project_id is None:
                created = self._transport.call(create_model.sync, body=body)
            else:
                created = self._transport.call(create_project_model.sync, project_id, body=body)
            model_id = id_of_made(created.id)
            with naming(f"Model {model_id}"):
                upload_model_file(self._transport, model_id, source.path)
                uploaded = self.get_model(model_id)
        uploaded.model = None if isinstance(model, str | Path) else model
        return uploaded

    def get_model(self, model_id: str) -> Model:
        """Fetches a model.

        Args:
            model_id: Identifier; starts with `m`.

        Returns:
            The model.

        Raises:
            UserError: If there is no such model, or you may not see it.

        Examples:
            >>> hub.get_model(model.model_id).model_type
            <SourceModelType.ONNX: 6>
        """
        from qai_hub_api.api.models import get_model

        found = self._transport.call(get_model.sync, identifier("model_id", model_id))
        return self._told_model(found)

    def get_models(
        self, offset: int = 0, limit: int = 50, project: str | Project | None = None
    ) -> list[Model]:
        """Lists models that are yours or shared with you, newest first.

        Args:
            offset: How many models to skip.
            limit: How many models to list at most.
            project: Project that they belong to; None lists those of all projects.

        Returns:
            The models.

        Examples:
            >>> len(hub.get_models(limit=1))
            1
        """
        page = self._model_pages(project)
        return some_items(page, lambda model: model.model_id, offset, limit)

    def _model_pages(self, project: str | Project | None) -> Callable[[Place, int], Page[Model]]:
        """What fetches one page of models."""
        from qai_hub_api.api.models import list_models
        from qai_hub_api.api.projects import list_project_models

        fetch = self._lister(list_models, list_project_models, project, {})

        def page(place: Place, limit: int) -> Page[Model]:
            answer, cursor = fetch(place, limit)
            told = listed(answer.models, "a list of models")
            models = mapped(self._told_model, told, "models")
            return Page(models, len(told), answer.total_query_count, cursor)

        return page

    def _told_model(self, payload: api.Model) -> Model:
        if not identified(payload.model_id):
            raise not_understood("a model")
        return Model._from_api(payload, self._client)
