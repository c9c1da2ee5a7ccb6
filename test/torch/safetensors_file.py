"""Reads and writes .safetensors with numpy alone, so that nothing needs installing beside torch.

Layout: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}}, the
tensors' bytes in C order. https://github.com/huggingface/safetensors#format
"""

import json
import os
import struct

import numpy as np

DTYPES = {
    'F64': np.float64,
    'F32': np.float32,
    'F16': np.float16,
    'I64': np.int64,
    'I32': np.int32,
    'U8': np.uint8,
}
NAMES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}


def read(path):
    """Returns ({name: array}, metadata). BF16 comes back as float32. Raises ValueError on a bad file."""
    with open(path, 'rb') as file:
        data = file.read()
    if len(data) < 8:
        raise ValueError(f'{path}: too short to be a safetensors file')
    (length,) = struct.unpack('<Q', data[:8])
    if 8 + length > len(data):
        raise ValueError(f'{path}: the header claims {length} bytes, the file has {len(data)}')
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop('__metadata__', {})
    body = memoryview(data)[8 + length :]
    tensors = {}
    for name, entry in header.items():
        begin, end = entry['data_offsets']
        raw = body[begin:end]
        if entry['dtype'] == 'BF16':
            bits = np.frombuffer(raw, np.uint16).astype(np.uint32) << 16
            array = bits.view(np.float32)
        elif entry['dtype'] in DTYPES:
            array = np.frombuffer(raw, DTYPES[entry['dtype']]).copy()
        else:
            raise ValueError(f'{path}: {name} has the unknown type {entry["dtype"]}')
        tensors[name] = array.reshape(entry['shape'])
    return tensors, metadata


def write(path, tensors, metadata=None):
    """Writes {name: array} aside, then renames. The values of metadata must be strings."""
    # The widest type goes first, so that every tensor is aligned to its own element size.
    names = sorted(tensors, key=lambda name: (-np.asarray(tensors[name]).dtype.itemsize, name))
    header = {'__metadata__': metadata} if metadata else {}
    chunks = []
    offset = 0
    for name in names:
        # np.ascontiguousarray would turn a scalar into a vector.
        array = np.asarray(tensors[name], order='C')
        header[name] = {
            'dtype': NAMES[array.dtype],
            'shape': list(array.shape),
            'data_offsets': [offset, offset + array.nbytes],
        }
        chunks.append(array.tobytes())
        offset += array.nbytes
    text = json.dumps(header, separators=(',', ':')).encode()
    text += b' ' * (-len(text) % 8)
    aside = f'{path}.part'
    with open(aside, 'wb') as file:
        file.write(struct.pack('<Q', len(text)))
        file.write(text)
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)
