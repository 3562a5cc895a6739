/**
 * What the parser must know of a technology. Descriptors live in src/catalog/<technology>/ and are handed in
 * (`parseTopology(text, registry)`), because `topology` may not import `catalog`.
 */
import type { z } from '../lib/document/zod.js'
import type { Guard, StepKind } from './flow.js'
import type { Component } from './types.js'

export interface EngineDescriptor {
  readonly engine: string
  readonly role: Component['role']
  /** One line for error messages and completion: what it is. */
  readonly summary: string
  /**
   * The keys that this engine gives a meaning, beyond those that every component has (engine, host, zone, region,
   * replicas, resources, startup, restart, demand). Strict: a key outside it is an error that names the engine.
   */
  readonly options: z.ZodRawShape
  /** Steps that may target it. */
  readonly accepts: readonly StepKind[]
  /** How a counter can be kept right in it; the first is the default. Absent: it keeps no counters. */
  readonly guards?: readonly [Guard, ...Guard[]]
  /** `component.role` targets, such as primary and replica; `primary` is what a bare target means. */
  readonly roles: readonly string[]
  /** Keys of `options` that are named and checked, but that nothing honours yet, each with what it would do. */
  readonly notYet?: Readonly<Record<string, string>>
}

export type EngineRegistry = ReadonlyMap<string, EngineDescriptor>
