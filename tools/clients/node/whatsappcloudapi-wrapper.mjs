// whatsappcloudapi_wrapper: the address is fixed, so the name is pointed at us. Its upload drops the reason of a
// refusal. `file_buffer` is left out: it announces a length without the file, which no server can read.

import { basename } from 'node:path'
import { HERE, load, reachVendorHosts, walk } from './steps.mjs'

reachVendorHosts()
const WhatsappCloud = load('whatsappcloudapi_wrapper')

async function upload(client, options) {
  const { media_id } = await client.preUploadMedia(options)
  if (!media_id) throw new Error('preUploadMedia told no media_id')
  return media_id
}

await walk('graph', {
  connect: accessToken =>
    new WhatsappCloud({
      accessToken,
      senderPhoneNumberId: HERE.phone_number_id,
      WABA_ID: '1',
      graphAPIVersion: 'v18.0',
    }),
  upload: {
    path: (client, path, mime) =>
      upload(client, { file_path: path, file_name: basename(path), mime_type: mime }),
  },
  url: async (client, media_id) => (await client._retrieveMediaUrl({ media_id })).url,
  hears: { 'wrong type': 'no media_id', 'too large': 'no media_id', 'not a jpeg': 'no media_id' },
})
