// whatsapp-business-api: the address is fixed, so the name is pointed at us. It only uploads.

import { HERE, load, reachVendorHosts, walk } from './steps.mjs'

reachVendorHosts()
const WhatsappAPI = load('whatsapp-business-api')

await walk('graph', {
  connect: accessToken => new WhatsappAPI({ accountPhoneNumberId: HERE.phone_number_id, accessToken }),
  upload: { path: async (api, path) => (await api.uploadMedia(path))[0] },
  hears: { 'wrong type': 'Unsupported media type' },
})
