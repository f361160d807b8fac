// Referee: node verify.mjs CAR DID SIGNING_KEY_DID_KEY
// Reads a repository's CAR as the reference implementation does (every CID recomputed, the MST walked, the commit's
// signature checked) and prints {"commit", "rev", "records": {"collection/rkey": cid}} as JSON; ends with 1 if it is refused.
import { readFileSync } from 'node:fs'
import { MemoryBlockstore, Repo, readCarWithRoot, verifyRepoCar } from '@atproto/repo'

const [path, did, signingKey] = process.argv.slice(2)
const car = readFileSync(path)
await verifyRepoCar(car, did, signingKey)
const { root, blocks } = await readCarWithRoot(car)
const repo = await Repo.load(new MemoryBlockstore(blocks), root)
const records = {}
for (const leaf of await repo.data.list()) records[leaf.key] = leaf.value.toString()
console.log(JSON.stringify({ commit: root.toString(), rev: repo.commit.rev, records }))
