"""The LightningDataModules, named by class path in conf/."""

from datamodules.activations import Activations
from datamodules.faces import Faces
from datamodules.objects import Objects

__all__ = ["Activations", "Faces", "Objects"]
