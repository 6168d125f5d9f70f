// @kapso/whatsapp-cloud-api: `baseUrl` is an option. `auth: 'always'` is needed for the download.

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { HERE, load, walk } from './steps.mjs'

const { WhatsAppClient } = load('@kapso/whatsapp-cloud-api')
const phoneNumberId = HERE.phone_number_id

await walk('graph', {
  connect: accessToken => new WhatsAppClient({ accessToken, baseUrl: HERE.base }),
  upload: {
    blob: async (client, path, type) => {
      const file = new Blob([readFileSync(path)], { type })
      return (await client.media.upload({ phoneNumberId, type, file, fileName: basename(path) })).id
    },
  },
  url: async (client, mediaId) => (await client.media.get({ mediaId, phoneNumberId })).url,
  download: (client, mediaId) => client.media.download({ mediaId, auth: 'always' }),
  remove: async (client, mediaId) => (await client.media.delete({ mediaId })).success,
})
