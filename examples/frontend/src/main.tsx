import '@mantine/core/styles.css';
import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client';
import { ApolloProvider } from '@apollo/client/react';
import {
  Button,
  Center,
  createTheme,
  MantineProvider,
  Paper,
  PasswordInput,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { StrictMode, useState, type SyntheticEvent } from 'react';
import { createRoot } from 'react-dom/client';
import { Games } from './Games';

const theme = createTheme({ primaryColor: 'indigo', defaultRadius: 'md' });

function App() {
  // Kept for the tab alone. An app with users of its own would send their bearer token instead.
  const [client, setClient] = useState(() => connect(sessionStorage.getItem('apiKey')));
  if (client === null) {
    return (
      <SignIn
        onKey={(key) => {
          sessionStorage.setItem('apiKey', key);
          setClient(connect(key));
        }}
      />
    );
  }
  return (
    <ApolloProvider client={client}>
      <Games
        onSignOut={() => {
          sessionStorage.removeItem('apiKey');
          setClient(null);
        }}
      />
    </ApolloProvider>
  );
}

function connect(key: string | null): ApolloClient | null {
  if (!key) return null;
  return new ApolloClient({
    link: new HttpLink({ uri: '/graphql', headers: { 'x-api-key': key } }),
    cache: new InMemoryCache(),
  });
}

function SignIn({ onKey }: { onKey: (key: string) => void }) {
  const [key, setKey] = useState('');
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    onKey(key.trim());
  };
  return (
    <Center h="100vh" bg="gray.0">
      <Paper component="form" onSubmit={submit} withBorder shadow="sm" p="xl" w={420}>
        <Stack>
          <Title order={2}>Games</Title>
          <Text c="dimmed" size="sm">
            npm start prints two API keys for its demo data.
          </Text>
          <PasswordInput
            label="API key"
            required
            autoFocus
            value={key}
            onChange={({ currentTarget }) => setKey(currentTarget.value)}
          />
          <Button type="submit">Show my games</Button>
        </Stack>
      </Paper>
    </Center>
  );
}

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <MantineProvider theme={theme}>
      <App />
    </MantineProvider>
  </StrictMode>,
);
