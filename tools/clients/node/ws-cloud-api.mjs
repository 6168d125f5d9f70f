// ws-cloud-api: the address is fixed, so the name is pointed at us. It tells false or nothing where it is refused.

import { readFileSync } from 'node:fs'
import { HERE, load, reachVendorHosts, walk } from './steps.mjs'

reachVendorHosts()
console.error = () => {}
const { getMedia, getMediaUrl, uploadMedia } = load('ws-cloud-api/media')

async function url(config, mediaId) {
  const link = await getMediaUrl({ mediaId, config })
  if (!link) throw new Error('getMediaUrl told nothing')
  return link
}

await walk('graph', {
  connect: token => ({ token, phoneNumberId: HERE.phone_number_id, apiVersion: '19.0' }),
  upload: {
    blob: async (config, path, mime) => {
      const id = await uploadMedia({ media: new Blob([readFileSync(path)], { type: mime }), config })
      if (!id) throw new Error('uploadMedia told nothing')
      return id
    },
  },
  url,
  download: async (config, id) => (await getMedia({ mediaUrl: await url(config, id), config })).arrayBuffer(),
  hears: {
    'unknown id': 'nothing',
    'wrong token': 'nothing',
    'wrong type': 'Unsupported media type',
    'too large': 'nothing',
    'not a jpeg': 'nothing',
  },
  without: ['image/webp'],
})
