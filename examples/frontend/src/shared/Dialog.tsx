import { Modal } from '@mantine/core';
import { useEffect, type ReactNode } from 'react';

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
}

/** A dialog over the screen. Its title is no `header`: that is a landmark, of which a page has one. */
export function Dialog({ title, onClose, children }: Props) {
  // Who closes it is where they were.
  useEffect(() => {
    const opener = document.activeElement;
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);

  return (
    <Modal.Root opened centered onClose={onClose}>
      <Modal.Overlay />
      <Modal.Content>
        <Modal.Body pt="md">
          <Modal.Title fz="lg" fw={700} lh={1.3} mb="md" style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Modal.Title>
          {children}
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
