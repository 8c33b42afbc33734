import type { ApolloClient } from '@apollo/client';
import { Button, Center, Code, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useState, type SyntheticEvent } from 'react';
import { VIEWER } from './client';
import { codesOf, messageOf } from './errors';

interface Props {
  /** Why the one who was signed in is no longer. */
  notice: string | null;
  connect: (credential: string) => ApolloClient;
  onSignedIn: (credential: string, client: ApolloClient) => void;
}

/** An app with users of its own sends their bearer token instead, and never asks for a key. */
export function SignIn({ notice, connect, onSignedIn }: Props) {
  const [credential, setCredential] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [isLoading, setLoading] = useState(false);

  const submit = async (event: SyntheticEvent) => {
    event.preventDefault();
    setLoading(true);
    setError(null);
    const client = connect(credential.trim());
    try {
      await client.query({ query: VIEWER });
      onSignedIn(credential.trim(), client);
    } catch (refusal) {
      // What is told of a refused key comes as the notice.
      setError(codesOf(refusal).includes('UNAUTHENTICATED') ? null : messageOf(refusal));
      setLoading(false);
    }
  };

  return (
    <Center component="main" mih="100dvh" p="md">
      <title>Sign in · GAME</title>
      <Paper
        component="form"
        onSubmit={(event) => void submit(event)}
        withBorder
        shadow="sm"
        p="xl"
        w="100%"
        maw={420}
      >
        <Stack>
          <Title order={1} size="h2">
            Sign in to GAME
          </Title>
          <Text c="dimmed" size="sm">
            <Code>npm start</Code> prints two API keys for its demo data. The key is kept until you close this
            tab.
          </Text>
          <PasswordInput
            label="API key or bearer token"
            required
            withAsterisk={false}
            autoFocus
            autoComplete="off"
            value={credential}
            error={isLoading ? null : (error ?? notice)}
            errorProps={{ role: 'alert' }}
            onChange={({ currentTarget }) => setCredential(currentTarget.value)}
          />
          <Button type="submit" loading={isLoading}>
            Sign in
          </Button>
        </Stack>
      </Paper>
    </Center>
  );
}
