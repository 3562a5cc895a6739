/**
 * Installs Debian packages of servers without any of them being started: this program starts its own, and a machine has
 * no more listening sockets afterwards than before.
 */
import { missingProgram, type PlimsollError, targetFailed } from '../lib/errors.js'
import { findProgram } from './programs.js'
import { runProgram, runVisibly } from './spawn.js'

/**
 * Run by sh as root with: policy file, cluster configuration, packages. While it runs, /usr/sbin/policy-rc.d answers
 * 101, "action forbidden by policy", which Debian's package scripts obey, and PostgreSQL makes no cluster of its own. Both
 * files are put back however it ends. Should it be killed with -9, the policy sees that its maker is gone, puts back what it
 * had replaced, and forbids nothing.
 */
export const installScript = `set -u
policy=$1 clusters=$2; shift 2
saved=$policy.plimsoll-saved child=
restore() {
  if [ -n "\${placed-}" ]; then
    rm -f "$policy"
    if [ -e "$saved" ] || [ -L "$saved" ]; then mv -f "$saved" "$policy"; fi
  fi
  if [ "\${wrote-}" = new ]; then
    if [ -e /usr/share/postgresql-common/createcluster.conf ] && [ -d /usr/lib/postgresql ]; then
      cp /usr/share/postgresql-common/createcluster.conf "$clusters"
    else
      rm -f "$clusters"; rmdir "$(dirname "$clusters")" 2>/dev/null || :
    fi
  fi
  if [ "\${wrote-}" = changed ]; then mv -f "$clusters.plimsoll-saved" "$clusters"; fi
}
stop() {
  trap '' INT TERM HUP
  if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null; wait "$child"; fi
  exit 143
}
trap restore EXIT
trap stop INT TERM HUP
# One that already forbids it stays as it is.
forbids=0
if [ -x "$policy" ]; then "$policy" nginx start >/dev/null 2>&1; [ $? -eq 101 ] && forbids=1; fi
if [ $forbids -eq 0 ]; then
  if [ -e "$policy" ] || [ -L "$policy" ]; then mv -f "$policy" "$saved"; fi
  placed=1
  cat >"$policy" <<POLICY
#!/bin/sh
# Placed by plimsoll (pid $$) while it installs servers: packages must not start them.
if [ -d /proc/$$ ]; then exit 101; fi
rm -f "$policy"
if [ -e "$saved" ]; then mv -f "$saved" "$policy"; exec "$policy" "\\$@"; fi
exit 0
POLICY
  chmod 755 "$policy"
fi
case " $* " in *" postgresql"*)
  if [ -e "$clusters" ]; then
    if cp -p "$clusters" "$clusters.plimsoll-saved"; then wrote=changed; fi
    sed -i 's/^[# ]*create_main_cluster.*/create_main_cluster = false/' "$clusters"
    grep -q '^create_main_cluster = false' "$clusters" || echo 'create_main_cluster = false' >>"$clusters"
  else
    mkdir -p "$(dirname "$clusters")"
    wrote=new
    echo 'create_main_cluster = false' >"$clusters"
  fi
esac
export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 NEEDRESTART_SUSPEND=1
run() { "$@" & child=$!; wait "$child"; code=$?; child=; return $code; }
update() { run apt-get -q -o DPkg::Lock::Timeout=120 update; }
install() {
  run apt-get -q -y --no-install-recommends -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold install "$@"
}
# The lists may be missing or out of date; they are fetched only then.
updated=0
if ! apt-get -s --no-install-recommends install "$@" >/dev/null 2>&1; then update; updated=1; fi
install "$@" && exit 0
[ $updated -eq 0 ] && update && install "$@" && exit 0
exit 1
`

export const defaultPolicyFile = '/usr/sbin/policy-rc.d'
export const defaultClusterFile = '/etc/postgresql-common/createcluster.conf'

const program = (name: string): string | undefined =>
  findProgram({ name, debianPackage: name, candidates: [], versionArgs: [] })

export interface InstallOptions {
  readonly packages: readonly string[]
  /** What to type by hand. */
  readonly line: string
  readonly signal: AbortSignal
}

const byHand = (what: string, line: string): PlimsollError => missingProgram(what, `as root: ${line}`)

/** How to become root; throws with exit code 5 and the line to type when there is no way. */
const prefix = async (line: string): Promise<readonly string[]> => {
  if (process.getuid?.() === 0) return []
  const sudo = program('sudo')
  if (sudo === undefined) throw byHand('installing needs root, and there is no sudo', line)
  // Without a terminal nobody can type a password.
  if (process.stderr.isTTY) return [sudo, '--']
  const asked = await runProgram({
    program: sudo,
    args: ['-n', 'true'],
    env: environment(),
    cwd: '/',
    timeoutSeconds: 10,
  })
  if (asked.code !== 0) throw byHand('installing needs root, and sudo asks for a password', line)
  return [sudo, '-n', '--']
}

const environment = (): Record<string, string> => {
  const { PATH, HOME, TERM, http_proxy, https_proxy, no_proxy } = process.env
  const path = `${PATH ?? ''}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`
  const kept = Object.entries({ HOME, TERM, http_proxy, https_proxy, no_proxy }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return { ...Object.fromEntries(kept), PATH: path, LC_ALL: 'C.UTF-8' }
}

/** Resolves when they are installed and nothing of them runs. Its output goes to stderr. */
export const installPackages = async ({ packages, line, signal }: InstallOptions): Promise<void> => {
  if (packages.length === 0) return
  if (program('apt-get') === undefined)
    throw missingProgram(
      'this system has no apt-get: plimsoll cannot install programs on it',
      `install with its own package manager what Debian calls: ${packages.join(' ')}`,
    )
  const [first, ...rest] = [
    ...(await prefix(line)),
    ...['/bin/sh', '-c', installScript, 'sh', defaultPolicyFile, defaultClusterFile, ...packages],
  ]
  const { code, signal: by } = await runVisibly(
    { program: first ?? '/bin/sh', args: rest, env: environment(), cwd: '/' },
    signal,
  )
  if (code !== 0 && !signal.aborted)
    throw targetFailed(
      `the packages could not be installed (${by ?? `exit code ${code}`})`,
      'apt-get said why above',
      `as root: ${line}`,
    )
}
