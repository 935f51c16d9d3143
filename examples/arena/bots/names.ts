/** Names for bots: people of the wire. */

export const BOT_NAMES = [
  'Hopper',
  'Shannon',
  'Morse',
  'Lamarr',
  'Nyquist',
  'Baudot',
  'Hertz',
  'Faraday',
  'Lovelace',
  'Marconi',
  'Tesla',
  'Henry',
  'Kelvin',
  'Gauss',
  'Volta',
  'Ohm',
] as const;
