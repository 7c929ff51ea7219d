"""A fitted model as one file that says what it is before it is opened."""

from classicvis.persistence._archive import read_manifest
from classicvis.persistence._export import ExportedModel, export_model
from classicvis.persistence._model import load_model, save_model

__all__ = ["ExportedModel", "export_model", "load_model", "read_manifest", "save_model"]
