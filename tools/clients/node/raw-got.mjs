// got with form-data-encoder's stream of a form, on Meta's routes without a version.

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { HERE, loadModule, walk } from './steps.mjs'

const { default: got } = await loadModule('got', 'got/dist/source/index.js')
const retry = { limit: 0 }

await walk('graph', {
  connect: token =>
    got.extend({ prefixUrl: HERE.base, headers: { authorization: `Bearer ${token}` }, retry }),
  upload: {
    FormData: async (api, path, type) => {
      const body = new FormData()
      body.set('messaging_product', 'whatsapp')
      body.set('file', new File([readFileSync(path)], basename(path), { type }))
      return (await api.post(`${HERE.phone_number_id}/media`, { body }).json()).id
    },
  },
  url: async (api, id) => (await api(id).json()).url,
  download: async (api, id) => api((await api(id).json()).url, { prefixUrl: '' }).buffer(),
  remove: async (api, id) => (await api.delete(id).json()).success,
})
