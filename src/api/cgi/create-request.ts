import { SandboxError } from '../../domain/errors.ts';
import { type LayerName, parseLayerName, parseSandboxId } from '../../domain/ids.ts';
import type { CreateRequest } from '../../sandboxes/types.ts';
import { booleanField, field, invalidField, numberField, objectParser, textField } from '../fields.ts';

/** Layers of one sandbox, as the runtime port bounds them. */
const LAYERS_MAX = 128;
/** Ten years; the end of a life must stay a date. */
const LIFETIME_MAX_SECONDS = 315_360_000;
const ALLOW_NET_MAX = 256;

const parseFields = objectParser({
  id: field(parseSandboxId),
  layers: field(parseLayers),
  owner: textField('owner', { maxBytes: 256, default: '' }),
  task: textField('task', { maxBytes: 4096, default: '' }),
  cpu: numberField('cpu', { min: 0.01, max: 1024, whole: false, default: 2 }),
  memory_mb: numberField('memory_mb', { min: 16, max: 4_194_304, whole: true, default: 1024 }),
  max_lifetime_s: numberField('max_lifetime_s', { min: 0, max: LIFETIME_MAX_SECONDS, whole: true, default: 0 }),
  allow_net: field(parseAllowNet),
  nesting: booleanField('nesting', { default: false }),
});

/**
 * The body of a create, with its defaults filled in (contract §1).
 * @throws INVALID_ARGUMENT
 */
export function parseCreateRequest(body: unknown, defaultLayers: readonly string[]): CreateRequest {
  const fields = parseFields(body);
  return {
    id: fields.id,
    layers: fields.layers ?? defaultLayers.map(parseLayerName),
    owner: fields.owner || 'anon',
    task: fields.task,
    cpu: fields.cpu,
    memoryMiB: fields.memory_mb,
    maxLifetimeSeconds: fields.max_lifetime_s,
    allowNet: fields.allow_net,
    nesting: fields.nesting,
  };
}

/** A CSV string or an array; an empty one, which the positional `sq-ctl create` sends, means the default. */
function parseLayers(value: unknown): readonly LayerName[] | undefined {
  if (value === undefined || value === '') return undefined;
  const names: unknown = typeof value === 'string' ? value.split(',').map((name) => name.trim()) : value;
  if (!Array.isArray(names) || names.length > LAYERS_MAX)
    throw invalidField('layers', `names with commas between them, or an array of at most ${LAYERS_MAX} names`);
  if (names.length === 0) return undefined;
  const layers = names.map(parseLayerName);
  const twice = layers.find((name, index) => layers.indexOf(name) !== index);
  if (twice !== undefined) throw new SandboxError('INVALID_ARGUMENT', `layer named twice: ${twice}`);
  return layers;
}

/** The entries as the client wrote them: which of them can be enforced is for the network to say. */
function parseAllowNet(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const isList = Array.isArray(value) && value.length <= ALLOW_NET_MAX;
  if (!isList || !value.every((entry) => typeof entry === 'string' && entry.length <= 512))
    throw invalidField('allow_net', `an array of at most ${ALLOW_NET_MAX} strings`);
  return value;
}
