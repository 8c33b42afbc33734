SELECT g.id,
  g."externalGameId",
  g.platform,
  g."strategyId",
  g."apiKey_used" AS "ownerApiKey"
FROM games g
WHERE g.id = $1::uuid
  AND ((g."apiKey_used" = $2))
ORDER BY g.id
FOR UPDATE;
-- $1 = "00000000-0000-4000-8000-000000000001"
-- $2 = "gme_live_a1B2c3D4"

SELECT id,
  key,
  value
FROM gamesparams
WHERE "gameId" = $1::uuid
ORDER BY id
FOR UPDATE;
-- $1 = "00000000-0000-4000-8000-000000000001"

UPDATE games
SET "externalGameId" = $1,
  platform = $2,
  "strategyId" = $3,
  updated_at = clock_timestamp()
WHERE id = $4::uuid;
-- $1 = "summer-1"
-- $2 = "tv"
-- $3 = "default"
-- $4 = "00000000-0000-4000-8000-000000000001"

DELETE
FROM gamesparams
WHERE id = ANY($1::uuid[]);
-- $1 = ["00000000-0000-4000-8000-000000000005"]

INSERT INTO gamesparams (
  id,
  key,
  value,
  "gameId",
  "apiKey_used",
  oauth_user_id,
  created_at,
  updated_at
)
SELECT n.id,
  n.key,
  n.value,
  n.owner_id,
  $1,
  $2,
  now() + n.number * interval '1 microsecond',
  now()
FROM unnest(
  $3::uuid[],
  $4::text[],
  $5::text[],
  $6::uuid[]
) WITH ORDINALITY n (id, key, value, owner_id, number);
-- $1 = "gme_live_a1B2c3D4"
-- $2 = null
-- $3 = ["<new id>"]
-- $4 = ["color"]
-- $5 = ["blue"]
-- $6 = ["00000000-0000-4000-8000-000000000001"]

INSERT INTO logs (
  id,
  log_level,
  module,
  message,
  details,
  "apiKey_used",
  oauth_user_id,
  created_at,
  updated_at
)
VALUES ($1::uuid, 'SUCCESS', $2, $3, $4::json, $5, $6, clock_timestamp(), clock_timestamp())
RETURNING pg_current_xact_id()::text AS "transactionId";
-- $1 = "<new id>"
-- $2 = "game"
-- $3 = "Game updated"
-- $4 = "{\"game_id\":\"00000000-0000-4000-8000-000000000001\",\"changes\":[{\"field\":\"platform\",\"before\":\"web\",\"after\":\"tv\"},{\"field\":\"params.color\",\"before\":\"red\",\"after\":null},{\"field\":\"params.color\",\"before\":null,\"after\":\"blue\"}]}"
-- $5 = "gme_live_a1B2c3D4"
-- $6 = null

SELECT g.id AS id,
  (
    (
      '{"id":"'
      ||(g.id)::text
      ||'","externalGameId":'
      ||(coalesce(to_json(g."externalGameId")::text, 'null'))::text
      ||',"platform":'
      ||(coalesce(to_json(g.platform)::text, 'null'))::text
      ||',"strategyId":'
    )
    ||(
      (coalesce(to_json(g."strategyId")::text, 'null'))::text
      ||',"createdAt":'
      ||(coalesce(to_json(g.created_at AT TIME ZONE INTERVAL '0')::text, 'null'))::text
      ||',"updatedAt":'
      ||(coalesce(to_json(g.updated_at AT TIME ZONE INTERVAL '0')::text, 'null'))::text
      ||',"params":['
      ||(
        coalesce(
          (
            SELECT CASE WHEN octet_length(string_agg(listed.item, ',')) > 10000000 THEN (
              'game_graphql: answer too long'
              || left((octet_length(string_agg(listed.item, ',')))::text, 0)
            )::int::text ELSE string_agg(listed.item, ',') END
            FROM (
              SELECT (
                '{"key":'
                ||(coalesce(to_json(p.key)::text, 'null'))::text
                ||',"value":'
                ||(coalesce(to_json(p.value)::text, 'null'))::text
                ||'}'
              ) AS item
              FROM gamesparams p
              WHERE p."gameId" = g.id
              ORDER BY p.created_at,
                p.id
            ) listed
          ),
          ''
        )
      )::text
      ||']}'
    )
  ) AS json
FROM games g
WHERE ((g."apiKey_used" = $1))
  AND g.id = $2::uuid;
-- $1 = "gme_live_a1B2c3D4"
-- $2 = "00000000-0000-4000-8000-000000000001"
