// @great-detail/whatsapp: `prefixUrl` is an option. Its download sends no credential by itself, and a Host of its own.

import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { HERE, loadModule, walk } from './steps.mjs'

const { Client } = await loadModule('@great-detail/whatsapp', '@great-detail/whatsapp/dist/index.js')

// ky's error holds the answer unread.
async function reading(call) {
  try {
    return await (await call).json()
  } catch (error) {
    if (error.response) throw new Error(await error.response.text())
    throw error
  }
}

await walk('graph', {
  connect: token => ({
    token,
    sdk: new Client({
      prefixUrl: HERE.base,
      graphVersion: 'v20.0',
      request: { headers: { Authorization: `Bearer ${token}` } },
    }),
  }),
  upload: {
    blob: async ({ sdk }, path, mime) => {
      const file = new Blob([readFileSync(path)], { type: mime })
      return (
        await reading(
          sdk.media.upload({
            phoneNumberID: HERE.phone_number_id,
            file,
            mimeType: mime,
            filename: basename(path),
          }),
        )
      ).id
    },
  },
  url: async ({ sdk }, id) =>
    (await reading(sdk.media.getURL({ mediaID: id, phoneNumberID: HERE.phone_number_id }))).url,
  download: async ({ sdk, token }, id) => {
    const { url } = await reading(sdk.media.getURL({ mediaID: id }))
    const answer = await sdk.media.download({
      mediaURL: url,
      request: { headers: { Authorization: `Bearer ${token}` } },
    })
    return answer.arrayBuffer()
  },
  remove: async ({ sdk }, id) => (await reading(sdk.media.delete({ mediaID: id }))).success,
})
