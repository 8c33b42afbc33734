SELECT (
  (
    (
      SELECT (
        '{"totalCount":'
        ||(
          (
            SELECT count(*)
            FROM (
              SELECT u.id,
                'BUILT_IN' AS kind,
                u.id AS name,
                u.version,
                'PUBLISHED' AS status,
                NULL::text AS description,
                NULL::text AS realm,
                NULL::timestamptz AS published_at,
                0::bigint AS number
              FROM unnest($1::text[], $2::text[]) u (id, version)
              UNION ALL
              SELECT $3::text
                || d.id,
                'CUSTOM',
                d.name::text,
                d.version::text,
                CASE WHEN d.status IN ('DRAFT', 'PUBLISHED') THEN d.status ELSE 'ARCHIVED' END::text,
                d.description,
                d."realmId"::text,
                d."publishedAt",
                d.version::bigint
              FROM strategydefinition d
              WHERE d."realmId" = $4
            ) s
            WHERE ((TRUE))
              AND (TRUE)
          )
        )::text
        ||',"nodes":['
        ||(
          coalesce(
            CASE WHEN octet_length(page.l0) > 10000000 THEN (
              'game_graphql: answer too long'
              || left((octet_length(page.l0))::text, 0)
            )::int::text ELSE page.l0 END,
            ''
          )
        )::text
        ||']}'
      )
      FROM (
        SELECT string_agg(((item.c0)::text), ',') AS l0
        FROM (
          SELECT (
            (
              '{"id":'
              ||(coalesce(to_json(s.id)::text, 'null'))::text
              ||',"kind":"'
              ||(s.kind)::text
              ||'","name":'
            )
            ||(
              (coalesce(to_json(s.name)::text, 'null'))::text
              ||',"version":'
              ||(coalesce(to_json(s.version)::text, 'null'))::text
              ||',"status":"'
              ||(s.status)::text
              ||'"}'
            )
          ) AS c0
          FROM (
            SELECT u.id,
              'BUILT_IN' AS kind,
              u.id AS name,
              u.version,
              'PUBLISHED' AS status,
              NULL::text AS description,
              NULL::text AS realm,
              NULL::timestamptz AS published_at,
              0::bigint AS number
            FROM unnest($5::text[], $6::text[]) u (id, version)
            UNION ALL
            SELECT $7::text
              || d.id,
              'CUSTOM',
              d.name::text,
              d.version::text,
              CASE WHEN d.status IN ('DRAFT', 'PUBLISHED') THEN d.status ELSE 'ARCHIVED' END::text,
              d.description,
              d."realmId"::text,
              d."publishedAt",
              d.version::bigint
            FROM strategydefinition d
            WHERE d."realmId" = $8
          ) s
          WHERE TRUE
            AND (TRUE)
          ORDER BY s.kind COLLATE "C" ASC,
            s.name COLLATE "C" ASC,
            s.number DESC,
            s.id COLLATE "C" ASC
          LIMIT 20
        ) item
      ) page
    )
  )::text
) AS json;
-- $1 = ["default","constantEffortStrategy","greencrowdStrategy","greengageStrategy","socio_bee","getis_ord_gi_star"]
-- $2 = ["0.0.2","0.0.1","1.0.0","0.0.1","0.0.2","0.0.1"]
-- $3 = "custom:"
-- $4 = "gme_live_a1B2c3D4"
-- $5 = ["default","constantEffortStrategy","greencrowdStrategy","greengageStrategy","socio_bee","getis_ord_gi_star"]
-- $6 = ["0.0.2","0.0.1","1.0.0","0.0.1","0.0.2","0.0.1"]
-- $7 = "custom:"
-- $8 = "gme_live_a1B2c3D4"
