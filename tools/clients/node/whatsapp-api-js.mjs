// whatsapp-api-js: the address is fixed, so the name is pointed at us. Errors come back as the answer's JSON.

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { HERE, checked, loadModule, reachVendorHosts, walk } from './steps.mjs'

reachVendorHosts()
const { WhatsAppAPI } = await loadModule('whatsapp-api-js', 'whatsapp-api-js/lib/index.js')

function form(path, mime) {
  const form = new FormData()
  form.set('file', new Blob([readFileSync(path)], { type: mime }), basename(path))
  return form
}

await walk('graph', {
  connect: token => new WhatsAppAPI({ token, appSecret: 'secret', secure: false }),
  // `false`: without the library's own check of type and size, so that our refusals are met.
  upload: {
    blob: async (api, path, mime) =>
      checked(await api.uploadMedia(HERE.phone_number_id, form(path, mime), false)).id,
  },
  url: async (api, id) => checked(await api.retrieveMedia(id)).url,
  download: async (api, id) =>
    (await api.fetchMedia((await api.retrieveMedia(id, HERE.phone_number_id)).url)).arrayBuffer(),
  remove: async (api, id) => checked(await api.deleteMedia(id, HERE.phone_number_id)).success,
})
