"""Networks that come as ONNX files, run by onnxruntime, tapped like any other."""

from mint_lightning.audited.onnx.module import OnnxModule
from mint_lightning.audited.onnx.read import OnnxNetwork, read_onnx

__all__ = ["OnnxModule", "OnnxNetwork", "read_onnx"]
