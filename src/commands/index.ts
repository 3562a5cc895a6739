import type { CommandSpec } from './command.js'

const json = { flags: '--json', summary: 'print one JSON document on stdout and nothing else' } as const
const seed = {
  flags: '--seed <number>',
  summary: "seed of every random stream (default: the experiment's, else 1)",
} as const
const replications = {
  flags: '--replications <number>',
  summary: 'simulations with seeds of their own, merged (default: 1)',
} as const
const precision = {
  flags: '--precision <share>',
  summary: 'replications until mean and p95 latency are known to, say, 2%; at most --replications (default: 100)',
} as const
const threads = { flags: '--threads <number>', summary: 'of simulations (default: one per core)' } as const
const topology = { name: '<topology>', summary: 'topology file (YAML)' } as const
const experiment = { name: '<experiment>', summary: 'experiment file (YAML)' } as const
const runtime = { flags: '--runtime <name>', summary: 'process, or compose: containers of Docker' } as const
const system = { flags: '--system <id>', summary: 'the running system, when there is more than one' } as const

/** In the order in which a user meets them. */
export const commands: readonly CommandSpec[] = [
  {
    name: 'init',
    summary: 'write a starter topology and experiments',
    arguments: [{ name: '[folder]', summary: 'where to write (default: .)' }],
    options: [
      { flags: '--from <scenario>', summary: 'a scenario to start from' },
      { flags: '--list', summary: 'list the scenarios' },
    ],
    load: () => import('./init.js'),
  },
  {
    name: 'check',
    summary: 'check topology and experiment files; all errors at once',
    arguments: [{ name: '<files...>', summary: 'topology or experiment files' }],
    options: [json],
    load: () => import('./check.js'),
  },
  {
    name: 'plan',
    summary: 'what it carries, what breaks first, what a loss leaves, what it costs, and a review',
    details:
      'Findings do not change the exit code unless --fail-on says so: then it is 4. --fix changes the file itself, keeps its comments and its style, and never touches slo, policy, traffic or growth; what only you can decide is listed. Each rule has a page in docs/rules.',
    arguments: [topology],
    options: [
      { flags: '--prices <file>', summary: 'a price list of your own instead of the one that is shipped' },
      { flags: '--fix', summary: 'write what the findings would change, show it, and plan again' },
      { flags: '--dry-run', summary: 'with --fix: show it, write nothing' },
      { flags: '--fail-on <severity>', summary: 'exit 4 if a finding is so bad', choices: ['error', 'warning'] },
      { flags: '--rule <id>', summary: 'review by this rule alone (and others so named)', repeatable: true },
      {
        flags: '--set <path=value>',
        summary:
          'what it would change, beside the plan as it is: components.app.replicas=4; with --target: in its place',
        repeatable: true,
      },
      { flags: '--sweep <path=values>', summary: 'plan each of a..b:step, or of a,b,c', repeatable: true },
      { flags: '--sensitivity', summary: 'the ten numbers of the file that move p95 most, and cost' },
      {
        flags: '--growth',
        summary: 'when each limit is reached, the cheapest step there, and what a planned path is worth',
      },
      { flags: '--history <file>', summary: 'with --growth: a rate fitted to a CSV of date,load' },
      { flags: '--samples <number>', summary: 'draws of the uncertain numbers of the file (default: 200)' },
      { flags: '--seed <number>', summary: 'seed of these draws, and of the simulations of --why (default: 1)' },
      {
        flags: '--why <measure>',
        summary: 'mean, p50, p90, p95 or p99 of a class taken apart by its causes, by simulation',
      },
      { flags: '--request <class>', summary: 'with --why: which; else the one that is worst beside its objective' },
      { flags: '--explain <component>', summary: 'the formulas behind its numbers, with the numbers in' },
      { flags: '--md', summary: 'Markdown' },
      {
        flags: '--target <load>',
        summary: 'the cheapest numbers that carry 12000users or 3000/s, and why; exit 4: none do',
      },
      { flags: '--prove', summary: 'with --target: 20 simulations of the plan, and of decrements that an SLO forbids' },
      json,
    ],
    load: () => import('./plan.js'),
  },
  {
    name: 'diff',
    summary: 'what a change of a topology does: knee, p95, headroom, cost, findings',
    arguments: [
      { name: '<base>', summary: 'topology file as it was' },
      { name: '<head>', summary: 'topology file as it is now' },
    ],
    options: [{ flags: '--md', summary: 'Markdown, as a comment on a pull request' }, json],
    load: () => import('./diff.js'),
  },
  {
    name: 'generate',
    summary: 'write the configuration that the topology means',
    arguments: [topology],
    options: [
      { flags: '--target <name>', summary: 'nginx or compose; all of them when not given', repeatable: true },
      { flags: '--out <folder>', summary: 'where to write', default: 'generated' },
      { flags: '--check', summary: 'write nothing; exit 4 if what is there differs' },
      { flags: '--stdout', summary: 'print the files instead of writing them' },
      json,
    ],
    load: () => import('./generate.js'),
  },
  {
    name: 'simulate',
    summary: 'run the topology in the simulator',
    details:
      'With --experiment the exit code is 4 when an objective, a steady state or an invariant does not hold, or the experiment is aborted. Without one the declared traffic runs, and nothing is judged by the exit code, nor by that of a sweep. The same seed gives the same result, whatever --threads says. Examples and what the numbers mean: docs/simulate.md.',
    arguments: [topology],
    options: [
      { flags: '--experiment <file>', summary: 'load and faults; without it the load that the topology declares' },
      { flags: '--duration <time>', summary: 'simulated time without an experiment (default: 60s)' },
      {
        flags: '--set <path=value>',
        summary: 'instead of what the file says: components.app.replicas=4, experiment.seed=9',
        repeatable: true,
      },
      {
        flags: '--sweep <path=values>',
        summary: 'simulate each of a..b:step, or of a,b,c; twice: every pair',
        repeatable: true,
      },
      replications,
      precision,
      { flags: '--check', summary: 'set what queueing theory says beside it, and where theory applies' },
      threads,
      { flags: '--csv [file]', summary: 'numbers as CSV: to a file, or instead of the tables on stdout' },
      seed,
      json,
    ],
    undoes: true,
    load: () => import('./simulate.js'),
  },
  {
    name: 'up',
    summary: 'launch the real stack and leave it running',
    arguments: [topology],
    options: [{ ...runtime, default: 'process' }, json],
    undoes: true,
    load: () => import('./up.js'),
  },
  {
    name: 'status',
    summary: 'what runs, where it listens and how it is',
    options: [system, json],
    load: () => import('./status.js'),
  },
  {
    name: 'logs',
    summary: 'print the logs of the running stack',
    arguments: [{ name: '[components...]', summary: 'components or instances such as app/0' }],
    options: [
      { flags: '-f, --follow', summary: 'go on printing' },
      { flags: '-n, --lines <number>', summary: 'last lines of each', default: '50' },
      system,
    ],
    undoes: true,
    load: () => import('./logs.js'),
  },
  {
    name: 'down',
    summary: 'stop what was launched and leave nothing behind, also after a crash',
    options: [system, json],
    undoes: true,
    load: () => import('./down.js'),
  },
  {
    name: 'run',
    summary: 'run an experiment in the simulator, on the stack, or on both and compare',
    arguments: [experiment],
    options: [
      { flags: '--on <engine>', summary: 'where', choices: ['sim', 'stack', 'both'], default: 'both' },
      { ...runtime, summary: `${runtime.summary} (default: that of the system that is up, else process)` },
      { flags: '--out <folder>', summary: 'where run folders go (default: .plimsoll/runs)' },
      { flags: '--topology <file>', summary: "instead of the experiment's own" },
      { flags: '--repeat <n>', summary: 'with both: so many runs on the stack, whose spread stands beside the error' },
      { flags: '--tui', summary: 'show it on one screen while it happens, beside what the simulator predicts' },
      replications,
      threads,
      seed,
      json,
    ],
    details:
      'On a stack it uses the running system of the same topology, else it launches one and takes it down afterwards. Ends with 4 if steady state, an objective or an invariant did not hold (with "both": on the stack), or if the experiment was aborted. How to read the table: docs/comparison.md.',
    undoes: true,
    load: () => import('./run.js'),
  },
  {
    name: 'chaos',
    summary: 'inject one fault into the running stack',
    arguments: [
      { name: '<kind>', summary: 'kill, stop, pause or restart' },
      { name: '<target>', summary: 'a component or an instance such as app/0' },
    ],
    options: [
      { flags: '--restart-after <time>', summary: 'start it again after this long' },
      { flags: '--for <time>', summary: 'take the fault back after this long' },
      system,
      json,
    ],
    undoes: true,
    load: () => import('./chaos.js'),
  },
  {
    name: 'compare',
    summary: 'set a simulated run beside a measured one',
    arguments: [
      { name: '<prediction>', summary: 'run folder or result.json of a simulation' },
      { name: '<measurement>', summary: 'run folder or result.json of a stack' },
    ],
    options: [{ flags: '--md', summary: 'Markdown' }, json],
    load: () => import('./compare.js'),
  },
  {
    name: 'report',
    summary: 'print the result of a run',
    arguments: [{ name: '<run>', summary: 'run folder or result.json' }],
    options: [{ flags: '--md', summary: 'Markdown' }, json],
    load: () => import('./report.js'),
  },
  {
    name: 'dashboard',
    summary: 'show a run on one screen: replay it, or follow one that goes on',
    arguments: [{ name: '[run]', summary: 'run folder, its id, or a result.json (default: the newest run)' }],
    options: [
      { flags: '--follow', summary: 'go on reading while the run is written' },
      { flags: '--speed <number>', summary: 'of the replay: seconds of the run in a second (default: 1)' },
      { flags: '--prediction <run>', summary: 'simulated run to set beside it (default: the one that it holds)' },
    ],
    details:
      'Keys: q quits, space pauses, + and - change the speed, tab and the arrows select, ? shows all of them. Without a terminal it prints lines of progress. What is to be seen: docs/dashboard.md.',
    undoes: true,
    load: () => import('./dashboard.js'),
  },
  {
    name: 'calibrate',
    summary: 'learn service demands from measured runs, written beside the topology',
    arguments: [
      { name: '[runs...]', summary: 'run folders or result.json files; with --loads an experiment or a topology' },
    ],
    options: [
      { flags: '--topology <file>', summary: 'the topology to calibrate (default: the one that the runs recorded)' },
      { flags: '--loads <list>', summary: 'make the runs: shares of the knee or rates, such as 10%,45%,70%' },
      {
        flags: '--knee <rate>',
        summary: 'with --loads: the knee (default: the highest rate with p99 < 50 ms, measured)',
      },
      { flags: '--for <time>', summary: 'with --loads: length of a run (default: 20s)' },
      { flags: '--repeat <n>', summary: 'with --loads: runs of each load, by turns (default: 3)' },
      { flags: '--dry-run', summary: 'print the differences, write nothing' },
      json,
    ],
    undoes: true,
    details:
      'With --loads it launches a stack, finds the knee and runs each load by turns; runs that something disturbed are made again. Refuses simulations, other topologies, runs that did not end, and runs whose load generator was the limit. What is estimated and how: docs/calibration.md.',
    load: () => import('./calibrate.js'),
  },
  {
    name: 'doctor',
    summary: 'say what is missing on this machine, and install it',
    arguments: [{ name: '[topology]', summary: 'check what this topology needs' }],
    options: [
      { flags: '--install', summary: "install what is missing with the system's package manager" },
      { ...runtime, default: 'process' },
      json,
    ],
    undoes: true,
    load: () => import('./doctor.js'),
  },
  {
    name: 'demo',
    summary: 'the whole loop on this machine: plan, launch, load, kill, compare, tear down',
    options: [
      { flags: '--install', summary: 'install missing servers first' },
      { flags: '--keep <folder>', summary: 'keep the run folders here' },
    ],
    details: 'Takes about 90 s. Works in a temporary folder and leaves nothing behind; Ctrl-C cleans up too.',
    undoes: true,
    load: () => import('./demo.js'),
  },
  {
    name: 'completion',
    summary: 'print a completion script',
    arguments: [{ name: '<shell>', summary: 'bash, zsh or fish' }],
    load: () => import('./completion.js'),
  },
]
