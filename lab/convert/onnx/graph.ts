import { create, toBinary } from '@bufbuild/protobuf';
import { LlsmError } from '../../../src/base/errors.ts';
import { version } from '../../../src/base/version.ts';
import { sizeOf } from '../../../src/model/llsm/params.ts';
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProto_DataType,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './onnx_pb.ts';

/** A tensor that nodes compute, f32: a batch of any size, and `shape` behind it. */
export interface Value {
  name: string;
  shape: readonly number[];
}

/** An input or output of the model. */
interface Described extends Value {
  doc?: string;
}

/** A tensor that is written into the file. `dims` is all of its shape. */
export interface Constant {
  name: string;
  dims: readonly number[];
}

/** Integers, text, or a float, which an integer could not be told from. */
export type Attribute = number | readonly number[] | string | { float: number };

/** Old enough for the runtimes in use, new enough for the converters between versions. */
const OPSET = 18n;
/** The first version of the format that knows this opset. */
const IR_VERSION = 8n;
/** The most that Protocol Buffers encode, less what the nodes may take. */
const LARGEST = 2 ** 31 - 2 ** 24;

/**
 * An ONNX model in the making: inputs, nodes in the order of the computation, constants, outputs. A
 * node and what it computes share a name. A model of one convolution:
 *
 *     const g = new OnnxGraph('pointwise');
 *     const x = g.input('x', [728, 14, 14]);
 *     const weight = g.constant('weight', [728, 728, 1, 1], data);
 *     g.output(conv(g, 'y', x, weight));
 *     const file = g.serialise();
 *
 * The operations of `ops.ts` are NCHW, as ONNX's are. Where a runtime wants the batch to be known, its
 * name as a free dimension is `B`.
 */
export class OnnxGraph {
  #names = new Set<string>();
  #nodes: NodeProto[] = [];
  #constants: TensorProto[] = [];
  #bytes = 0;
  readonly inputs: Described[] = [];
  readonly outputs: Described[] = [];

  /** @param about the model: a line for its readers, and entries for programs. */
  constructor(
    readonly name: string,
    readonly about: { doc?: string; metadata?: Record<string, string> } = {},
  ) {}

  input(name: string, shape: readonly number[], doc?: string): Value {
    this.#use(name);
    this.inputs.push({ name, shape, doc });
    return { name, shape };
  }

  /** @throws LlsmError where the file would be larger than Protocol Buffers allow (2 GiB). */
  constant(name: string, dims: readonly number[], data: Float32Array | BigInt64Array): Constant {
    this.#use(name);
    if (data.length !== sizeOf(dims)) {
      throw new LlsmError(`${name}: ${data.length} values are not of shape [${dims}]`);
    }
    this.#bytes += data.byteLength;
    if (this.#bytes > LARGEST) {
      throw new LlsmError(
        `${this.name}: with ${name} it has ${this.#bytes} bytes of constants, and an ONNX file ` +
          'holds less than 2 GiB',
      );
    }
    const { FLOAT, INT64 } = TensorProto_DataType;
    const tensor = create(TensorProtoSchema, {
      name,
      dims: dims.map(BigInt),
      dataType: data instanceof Float32Array ? FLOAT : INT64,
      rawData: new Uint8Array(
        data.buffer,
        data.byteOffset,
        data.byteLength,
      ) as Uint8Array<ArrayBuffer>,
    });
    this.#constants.push(tensor);
    return { name, dims };
  }

  /** @param shape of the result, behind the batch */
  node(
    operator: string,
    name: string,
    inputs: readonly ({ name: string } | undefined)[],
    shape: readonly number[],
    attributes: Record<string, Attribute> = {},
  ): Value {
    this.#use(name);
    const node = create(NodeProtoSchema, {
      opType: operator,
      name,
      // An optional input that is left out is an empty name.
      input: inputs.map((input) => input?.name ?? ''),
      output: [name],
      attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    });
    this.#nodes.push(node);
    return { name, shape };
  }

  output(value: Value, doc?: string): void {
    this.outputs.push({ ...value, doc });
  }

  /** @returns the file's bytes */
  serialise(): Uint8Array {
    const { doc, metadata = {} } = this.about;
    const model = create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      opsetImport: [{ domain: '', version: OPSET }],
      producerName: 'llsm',
      producerVersion: version,
      docString: doc,
      graph: {
        name: this.name,
        node: this.#nodes,
        initializer: this.#constants,
        input: this.inputs.map(describe),
        output: this.outputs.map(describe),
      },
      metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
    return toBinary(ModelProtoSchema, model);
  }

  #use(name: string) {
    if (this.#names.has(name)) throw new LlsmError(`${this.name}: two tensors named ${name}`);
    this.#names.add(name);
  }
}

function describe({ name, shape, doc }: Described): ValueInfoProto {
  const batch = { value: { case: 'dimParam' as const, value: 'B' } };
  const dim = shape.map((n) => ({ value: { case: 'dimValue' as const, value: BigInt(n) } }));
  return create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: 'tensorType',
        value: { elemType: TensorProto_DataType.FLOAT, shape: { dim: [batch, ...dim] } },
      },
    },
    docString: doc,
  });
}

function attribute(name: string, value: Attribute): AttributeProto {
  const { INT, INTS, STRING, FLOAT } = AttributeProto_AttributeType;
  if (typeof value === 'number') {
    return create(AttributeProtoSchema, { name, type: INT, i: BigInt(value) });
  }
  if (typeof value === 'string') {
    const s = new TextEncoder().encode(value);
    return create(AttributeProtoSchema, { name, type: STRING, s });
  }
  if ('float' in value) {
    return create(AttributeProtoSchema, { name, type: FLOAT, f: value.float });
  }
  return create(AttributeProtoSchema, { name, type: INTS, ints: value.map(BigInt) });
}
