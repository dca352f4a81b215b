import { runCli } from '../cli/run-cli.ts';

// A reader that has seen enough, as `squash list | head -1`: end quietly, as programs do that SIGPIPE ends.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(141);
    throw error;
  });

const { argv, argv0, stdin, stdout, stderr, env } = process;
// `script/squash` names the link that it was called by as our argv[0].
const calledAs = [argv0, argv[1] ?? ''];
process.exitCode = await runCli(argv.slice(2), { calledAs, stdin, stdout, stderr, env });
