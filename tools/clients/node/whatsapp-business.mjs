// whatsapp-business: the address is fixed, so the name is pointed at us. It replaces our texts by its own, by code.

import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import { HERE, load, reachVendorHosts, scratch, walk } from './steps.mjs'

reachVendorHosts()
const { WABAClient } = load('whatsapp-business')

await walk('graph', {
  connect: apiToken => new WABAClient({ accountId: '1', apiToken, phoneId: HERE.phone_number_id }),
  upload: { path: async (client, path, mime) => (await client.uploadMedia({ file: path, type: mime })).id },
  url: async (client, id) => (await client.getMedia(id)).url,
  download: async (client, id) => {
    const saved = scratch()
    await once(await client.downloadMedia((await client.getMedia(id)).url, saved), 'finish')
    return readFileSync(saved)
  },
  remove: async (client, id) => (await client.deleteMedia(id)).success,
  hears: {
    'unknown id': '"code":100',
    'wrong token': '"code":190',
    'wrong type': '"code":100',
    'too large': '"code":100',
  },
})
