// @kapso/whatsapp-cloud-api with bytes instead of a Blob: the part then says application/octet-stream and only `type`
// names the type. By default that is refused, as Meta does; the server runs with upload.type_from = "either" here.

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { HERE, load, walk } from './steps.mjs'

const { WhatsAppClient } = load('@kapso/whatsapp-cloud-api')
const phoneNumberId = HERE.phone_number_id

await walk('graph', {
  connect: accessToken => new WhatsAppClient({ accessToken, baseUrl: HERE.base }),
  upload: {
    bytes: async (client, path, type) =>
      (
        await client.media.upload({
          phoneNumberId,
          type,
          file: new Uint8Array(readFileSync(path)),
          fileName: basename(path),
        })
      ).id,
  },
})
