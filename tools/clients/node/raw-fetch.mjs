// Node's own fetch, which is undici: a File in the platform's FormData, and a file opened as a Blob.

import { openAsBlob, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { HERE, walk } from './steps.mjs'

async function call(key, path, options = {}) {
  const answer = await fetch(HERE.base + path, { ...options, headers: { 'D360-API-KEY': key } })
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
  return answer
}

async function upload(key, file) {
  const body = new FormData()
  body.append('messaging_product', 'whatsapp')
  body.append('type', file.type)
  body.append('file', file, file.name)
  return (await (await call(key, '/media', { method: 'POST', body })).json()).id
}

async function url(key, id) {
  return (await (await call(key, `/${id}`)).json()).url
}

await walk('d360', {
  connect: key => key,
  upload: {
    File: (key, path, type) => upload(key, new File([readFileSync(path)], basename(path), { type })),
    openAsBlob: async (key, path, type) =>
      upload(key, new File([await openAsBlob(path)], 'ünï "quoted" %.bin', { type })),
  },
  url,
  download: async (key, id) => {
    const { pathname, search } = new URL(await url(key, id))
    return (await call(key, pathname + search)).arrayBuffer()
  },
  remove: async (key, id) => (await (await call(key, `/${id}`, { method: 'DELETE' })).json()).success,
})
