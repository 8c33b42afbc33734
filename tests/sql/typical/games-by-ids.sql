SELECT g.id AS id,
  (
    (
      '{"id":"'
      ||(g.id)::text
      ||'","externalGameId":'
      ||(coalesce(to_json(g."externalGameId")::text, 'null'))::text
      ||',"platform":'
      ||(coalesce(to_json(g.platform)::text, 'null'))::text
    )
    ||(
      ',"strategyId":'
      ||(coalesce(to_json(g."strategyId")::text, 'null'))::text
      ||',"createdAt":'
      ||(coalesce(to_json(g.created_at AT TIME ZONE INTERVAL '0')::text, 'null'))::text
      ||',"updatedAt":'
      ||(coalesce(to_json(g.updated_at AT TIME ZONE INTERVAL '0')::text, 'null'))::text
      ||'}'
    )
  ) AS json
FROM games g
WHERE ((g."apiKey_used" = $1))
  AND g.id = ANY($2::uuid[]);
-- $1 = "gme_live_a1B2c3D4"
-- $2 = ["00000000-0000-4000-8000-000000000001","00000000-0000-4000-8000-000000000002"]
