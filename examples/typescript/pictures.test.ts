// A client library from npm, unmodified, against the stand-in. Tests run at once; each has a world of its own.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { WhatsAppClient } from '@kapso/whatsapp-cloud-api'
import { StandIn, type World } from './stand-in.js'

const CUSTOMER = '51999888777'

let standIn: StandIn
before(async () => {
  standIn = await StandIn.start()
})
after(() => standIn.stop())

function clientOf(world: World): WhatsAppClient {
  return new WhatsAppClient({ accessToken: world.is.token, baseUrl: new URL(world.is.graph).origin })
}

async function inWorld(work: (world: World, client: WhatsAppClient) => Promise<void>): Promise<void> {
  const world = await standIn.world()
  try {
    await work(world, clientOf(world))
  } finally {
    await world.discard()
  }
}

async function upload(world: World, client: WhatsAppClient, text = 'hello'): Promise<string> {
  const file = new Blob([text], { type: 'text/plain' })
  const phoneNumberId = world.is.phone_number_id
  const { id } = await client.media.upload({ phoneNumberId, type: 'document', file, fileName: 'hello.txt' })
  return id
}

const textOf = async (client: WhatsAppClient, mediaId: string) =>
  Buffer.from((await client.media.download({ mediaId, auth: 'always' })) as ArrayBuffer).toString()

describe('at once', { concurrency: true }, () => {
  test('what was uploaded comes back', () =>
    inWorld(async (world, client) => {
      const id = await upload(world, client)
      assert.equal(await textOf(client, id), 'hello')
      const [entry] = await world.expect({ action: 'upload', count: 1 })
      assert.deepEqual([entry.media_id, entry.found], [id, 'text/plain'])
    }))

  test('a message with media is told', () =>
    inWorld(async (world, client) => {
      const id = await upload(world, client)
      const phoneNumberId = world.is.phone_number_id
      await client.messages.sendDocument({ phoneNumberId, to: CUSTOMER, document: { id } })
      assert.deepEqual(
        (await world.messages()).map(message => [message.type, message.to, message.media_id]),
        [['document', CUSTOMER, id]],
      )
    }))

  test('an upload over the rate is an error that the application can tell', () =>
    inWorld(async (world, client) => {
      await world.arm({ action: 'upload', error: 'upload_rate' })
      await assert.rejects(upload(world, client), /130429|Rate limit hit/)
      await world.expect({ action: 'upload', outcome: 'upload_rate', count: 1 })
    }))

  test('a download that is cut is an error, never a shorter file', () =>
    inWorld(async (world, client) => {
      const id = await upload(world, client, 'x'.repeat(100_000))
      await world.arm({ action: 'download', cut: 50_000 })
      await assert.rejects(textOf(client, id))
      assert.equal((await textOf(client, id)).length, 100_000)
    }))

  test('media that is not there yet is there at the third look', () =>
    inWorld(async (world, client) => {
      const id = await upload(world, client)
      await world.arm({ media_id: id, not_there_yet: true, next: 2 })
      let looks = 1
      while (!(await client.media.get({ mediaId: id }).catch(() => undefined))) looks += 1
      assert.equal(looks, 3)
    }))
})

// The clock is everybody's: what turns it runs alone.
test('after thirty days without use media is gone', () =>
  inWorld(async (world, client) => {
    const id = await upload(world, client)
    await standIn.advance('31d')
    await assert.rejects(client.media.get({ mediaId: id }), /does not exist/)
    await standIn.ask('DELETE', '/v1/stand-in/clock')
  }))
