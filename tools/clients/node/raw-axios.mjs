// axios and form-data with a read stream, as most integrations of 360dialog do it, streaming download included.

import { createReadStream, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { HERE, load, walk } from './steps.mjs'

const axios = load('axios')
const FormData = load('form-data')

async function url(api, id) {
  return (await api.get(`/${id}`)).data.url.replace('https://lookaside.fbsbx.com', HERE.base)
}

await walk('d360', {
  connect: key =>
    axios.create({ baseURL: HERE.base, headers: { 'D360-API-KEY': key }, maxBodyLength: Infinity }),
  upload: {
    'form-data stream': async (api, path, mime) => {
      const form = new FormData()
      form.append('file', createReadStream(path), { contentType: mime })
      form.append('type', mime)
      form.append('messaging_product', 'whatsapp')
      return (await api.post('/media', form, { headers: form.getHeaders() })).data.id
    },
    'form-data buffer': async (api, path, mime) => {
      const form = new FormData()
      form.append('messaging_product', 'whatsapp')
      form.append('file', readFileSync(path), { filename: basename(path), contentType: mime })
      return (await api.postForm('/media', form)).data.id
    },
  },
  url,
  download: async (api, id) => (await api.get(await url(api, id), { responseType: 'arraybuffer' })).data,
  remove: async (api, id) => (await api.delete(`/${id}`)).data.success,
})
