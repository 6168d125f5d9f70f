// The walk every Node client takes: upload, url, download, delete, errors. The twin of python/steps.py.
//
// A client script says how its library does each of the four actions and calls `walk`. Nothing in a library is changed.
// Where a library knows only https://graph.facebook.com, `reachVendorHosts` sends that name to our TLS port.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import tls from 'node:tls'

// What the runner tells: base, tls_port, token, d360_key, phone_number_id, samples {mime: path} and bad files.
export const HERE = JSON.parse(process.env.WAMEDIA_CLIENT)

const VENDOR_HOSTS = ['graph.facebook.com', 'lookaside.fbsbx.com', 'waba-v2.360dialog.io']

// What a user must be able to read in the library's own error, by dialect.
const SAYS = {
  graph: {
    'unknown id': 'Unsupported',
    'wrong token': 'Authentication Error',
    'wrong type': 'must be a file with one of the following types',
    'too large': 'Invalid parameter',
    'not a jpeg': 'Media upload error',
  },
  d360: {
    'unknown id': 'Media not found',
    'wrong token': 'Invalid API key',
    'wrong type': 'must be a file with one of the following types',
    'too large': 'File Too Large',
    'not a jpeg': 'on processing it is of type',
  },
}

const installed = createRequire(pathToFileURL(join(HERE.node_modules, 'package.json')))

// A library as `require` finds it, and as `import` does.
export const load = name => installed(name)
export const loadModule = async (name, file) =>
  import(pathToFileURL(file ? join(HERE.node_modules, 'node_modules', file) : installed.resolve(name)))

// Points the vendors' names at our TLS port, below fetch, https and everything built on them.
export function reachVendorHosts() {
  const connect = tls.connect
  tls.connect = function (...args) {
    const options = typeof args[0] === 'object' ? args[0] : args[1]
    const name = options?.servername || options?.host || options?.hostname
    if (VENDOR_HOSTS.includes(name))
      Object.assign(options, { host: '127.0.0.1', port: HERE.tls_port, servername: name })
    return connect.apply(this, args)
  }
}

let files = 0
// A path in the temporary folder, for libraries that download to a file.
export const scratch = () => join(tmpdir(), `wamedia-node-${process.pid}-${files++}`)

// For libraries that return an error where others throw it.
export function checked(answer) {
  if (!answer || answer.error) throw new Error(JSON.stringify(answer))
  return answer
}

// `connect(credential)` makes a client; `upload` maps a way to `f(client, path, mime)` giving an id; `url(client, id)`
// gives the link, `download(client, id)` the bytes, `remove(client, id)` something true. `hears` overrides what the
// library's error can tell, by case; null where it tells nothing. `without` names samples that the library refuses.
export async function walk(dialect, { connect, upload, url, download, remove, hears = {}, without = [] }) {
  const client = await connect(dialect === 'graph' ? HERE.token : HERE.d360_key)
  const says = { ...SAYS[dialect], ...hears }
  const samples = Object.entries(HERE.samples).filter(([mime]) => !without.includes(mime))
  const kept = []

  await step('upload', upload, async () => {
    for (const [way, send] of Object.entries(upload)) {
      for (const [mime, path] of samples) {
        kept.push({ id: String(await send(client, path, mime)), path, mime })
      }
    }
    const ids = kept.map(one => one.id)
    assert(new Set(ids).size === ids.length && ids.every(id => /^\d+$/.test(id)), `ids ${ids}`)
    return `${kept.length} files by ${Object.keys(upload).join(', ')}`
  })
  await step('url', url, async () => {
    assert(kept.length, 'nothing was uploaded')
    for (const { id } of kept) assert.match(await url(client, id), /\/whatsapp_business\/attachments\/\?mid=/)
  })
  await step('download', download, async () => {
    assert(kept.length, 'nothing was uploaded')
    for (const { id, path, mime } of kept) {
      const got = Buffer.from(await download(client, id))
      assert(
        got.equals(readFileSync(path)),
        `${mime} came back different (${got.length} bytes): ${got.subarray(0, 300)}`,
      )
    }
  })
  await step('delete', remove, async () => {
    assert(kept.length, 'nothing was uploaded')
    for (const { id } of kept) assert(await remove(client, id), `delete of ${id} told no success`)
    if (url) await refused(() => url(client, kept[0].id), says['unknown id'])
  })
  await step('errors', true, async () => {
    const look = url ?? remove ?? download
    const cases = []
    if (look) {
      const stranger = await connect('nobody')
      await refused(() => look(client, '1234567890123456'), says['unknown id'])
      await refused(() => look(stranger, '1234567890123456'), says['wrong token'])
      cases.push('unknown id', 'wrong token')
    }
    const send = upload && Object.values(upload)[0]
    if (send) {
      await refused(() => send(client, HERE.wrong_type, 'text/html'), says['wrong type'])
      await refused(() => send(client, HERE.too_large, 'image/jpeg'), says['too large'])
      await refused(() => send(client, HERE.not_a_jpeg, 'image/jpeg'), says['not a jpeg'])
      cases.push('wrong type', 'too large', 'not a jpeg')
    }
    return cases.join(', ')
  })
  process.exit(0)
}

async function step(name, has, action) {
  const outcome = { step: name, ok: null }
  if (has) {
    try {
      outcome.note = (await action()) ?? ''
      outcome.ok = true
    } catch (error) {
      outcome.note = told(error).slice(0, 600)
      outcome.ok = false
    }
  }
  console.log('\n' + JSON.stringify(outcome))
}

// Everything a user could read in an error, wherever libraries hide it.
function told(error) {
  const more = error?.response?.data ?? error?.response?.body ?? error?.cause?.message ?? ''
  const own = error instanceof Error ? `${error.name}: ${error.message}` : ''
  return [own, plain(error), plain(more)].join(' ')
}

function plain(value) {
  try {
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  } catch {
    return ''
  }
}

async function refused(action, says) {
  let answer
  try {
    answer = await action()
  } catch (error) {
    const text = told(error)
    assert(says === null || text.includes(says), `expected ${says} in ${text}`)
    return
  }
  assert.fail(`not refused, told ${plain(answer)}`)
}
