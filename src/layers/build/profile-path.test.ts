import { expect, test } from 'vitest';
import { pathAdditionsOf } from './profile-path.ts';

test.each([
  ['export PATH=/usr/local/go/bin:$PATH', ['/usr/local/go/bin']],
  ['PATH="$PATH:/opt/a/bin:/opt/b/bin"', ['/opt/a/bin', '/opt/b/bin']],
  ["  export PATH='/opt/x/bin'  # for x", ['/opt/x/bin']],
  ['PATH=/opt/x/bin:${PATH}; export PATH', ['/opt/x/bin']],
  ['export PATH=/a:$PATH\nexport PATH=/b:$PATH', ['/a', '/b']],
])('pathAdditionsOf() reads the literal folders of %j', (script, folders) => {
  expect(pathAdditionsOf(script)).toEqual(folders);
});

test.each([
  'export PATH=$HOME/bin:$PATH',
  'export PATH=/opt/x/bin:$(id):$PATH',
  'export PATH=`id`:$PATH',
  'export PATH=bin:$PATH',
  'export PATH=:$PATH',
  "PATH='$PATH:/literal'",
  'PATH=/opt/*/bin:$PATH',
  'PATH=~/bin:$PATH',
  'MANPATH=/opt/man:$MANPATH',
  'PATH=/opt/x && echo hi',
  '# export PATH=/opt/x/bin:$PATH',
  'echo export PATH=/opt/x/bin',
])('pathAdditionsOf() leaves out %j', (script) => {
  expect(pathAdditionsOf(script)).toEqual([]);
});
