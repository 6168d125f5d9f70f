// node-fetch 2 and form-data with a stream of unknown length: a chunked body.

import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { PassThrough } from 'node:stream'
import { HERE, load, walk } from './steps.mjs'

const fetch = load('node-fetch')
const FormData = load('form-data')
const ROOT = `${HERE.base}/v22.0`

async function call(token, url, options = {}) {
  const answer = await fetch(url, {
    ...options,
    headers: { Authorization: `Bearer ${token}`, ...options.headers },
  })
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
  return answer
}

const url = async (token, id) => (await (await call(token, `${ROOT}/${id}`)).json()).url

await walk('graph', {
  connect: token => token,
  upload: {
    'chunked stream': async (token, path, contentType) => {
      const body = new FormData()
      body.append('messaging_product', 'whatsapp')
      body.append('file', createReadStream(path).pipe(new PassThrough()), {
        filename: basename(path),
        contentType,
      })
      const options = { method: 'POST', body, headers: body.getHeaders() }
      return (await (await call(token, `${ROOT}/${HERE.phone_number_id}/media`, options)).json()).id
    },
  },
  url,
  download: async (token, id) => (await call(token, await url(token, id))).buffer(),
  remove: async (token, id) =>
    (await (await call(token, `${ROOT}/${id}`, { method: 'DELETE' })).json()).success,
})
