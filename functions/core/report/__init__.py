"""The run's page, `report.html`: one file that needs nothing else, for a person."""

from functions.core.report.figures import Figures
from functions.core.report.page import page

__all__ = ["Figures", "page"]
