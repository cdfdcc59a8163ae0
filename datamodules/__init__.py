"""The LightningDataModules, named by class path in conf/."""

from datamodules.faces import Faces

__all__ = ["Faces"]
