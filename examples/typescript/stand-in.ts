// The stand-in for tests: a process, its controls, and a world for each test. To be copied; needs nothing but Node.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export interface Credentials {
  world: string
  phone_number_id: string
  token: string
  d360_key: string
  graph: string
  d360: string
}

export interface Entry {
  action: string | null
  status: number
  outcome: string
  media_id: string | null
  declared: string | null
  found: string | null
}

export class StandIn {
  private constructor(
    private readonly child: ChildProcess,
    private readonly admin: string,
  ) {}

  static async start(binary = process.env.WAMEDIA ?? 'wamedia'): Promise<StandIn> {
    const ports = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']
    const flags = ['serve', '--stand-in', '--in-memory', '--ready-json', '--quiet', ...ports]
    const child = spawn(binary, flags, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = await once(createInterface({ input: child.stdout! }), 'line')
    return new StandIn(child, JSON.parse(line).admin)
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM')
    await once(this.child, 'exit')
  }

  /** One control: its answer, or an error with what it says is wrong. */
  async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(this.admin + path, {
      method,
      headers: { 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${text}`)
    return (text ? JSON.parse(text) : undefined) as T
  }

  advance(by: string): Promise<unknown> {
    return this.ask('POST', '/v1/stand-in/clock/advance', { by })
  }

  async world(): Promise<World> {
    return new World(this, await this.ask<Credentials>('POST', '/v1/stand-in/worlds', {}))
  }
}

/** An account of its own: tests that run at once do not meet. */
export class World {
  constructor(
    private readonly standIn: StandIn,
    readonly is: Credentials,
  ) {}

  arm(fault: Record<string, unknown>): Promise<unknown> {
    return this.standIn.ask('POST', '/v1/stand-in/faults', { world: this.is.world, ...fault })
  }

  async expect(expected: Record<string, unknown>): Promise<Entry[]> {
    const body = { world: this.is.world, within: '2s', ...expected }
    return (await this.standIn.ask<{ matched: Entry[] }>('POST', '/v1/stand-in/journal/expect', body)).matched
  }

  messages(): Promise<{ type: string; to: string; media_id: string | null }[]> {
    return this.standIn.ask('GET', `/v1/stand-in/messages?world=${this.is.world}`)
  }

  discard(): Promise<unknown> {
    return this.standIn.ask('DELETE', `/v1/stand-in/worlds/${this.is.world}`)
  }
}
