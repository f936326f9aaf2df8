/// The page of the demonstration, in one piece: it loads nothing from anywhere else.
enum DemoPage {
    static let html: StaticString = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>l7proxy: sticky sessions</title>
        <link rel="icon" href="data:,">
        <style>
        :root { --blue: #2563eb; --green: #047857; --orange: #c2410c; --ink: #172033;
          --soft: #5b6579; --line: #d9dfe8; --paper: #f4f6f9; --card: #fff; --none: #98a2b3; }
        @media (prefers-color-scheme: dark) {
          :root { --ink: #e6eaf2; --soft: #9aa5b8; --line: #2b3446; --paper: #0f1420;
            --card: #181f2e; --none: #475064; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink);
          font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; }
        main { max-width: 1100px; margin: 0 auto; padding: 28px 20px 40px; }
        h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; }
        header p { margin: 0; color: var(--soft); max-width: 46em; }
        .bar { display: flex; flex-wrap: wrap; gap: 10px; margin: 20px 0; }
        button { font: inherit; font-size: 15px; padding: 6px 12px; border-radius: 8px;
          cursor: pointer; border: 1px solid var(--line); background: var(--card);
          color: var(--ink); }
        button:hover { border-color: var(--soft); }
        button.main { background: var(--ink); border-color: var(--ink); color: var(--paper); }
        .grid { display: grid; gap: 18px; grid-template-columns: repeat(2, minmax(0, 1fr)); }
        @media (max-width: 720px) { .grid { grid-template-columns: minmax(0, 1fr); } }
        article { background: var(--card); border: 1px solid var(--line); border-radius: 14px;
          padding: 18px 20px 20px; display: flex; flex-direction: column; }
        h2 { font-size: 17px; margin: 0; }
        .way { margin: 2px 0 14px; color: var(--soft); font-size: 14px; }
        .now { border-radius: 10px; background: var(--none); color: #fff; text-align: center;
          font-size: 40px; font-weight: 700; line-height: 1; padding: 22px 8px 24px; }
        .verdict { margin: 10px 0 8px; font-size: 15px; min-height: 24px; }
        .dots { display: flex; flex-wrap: wrap; gap: 4px; min-height: 48px;
          align-content: flex-start; margin-bottom: 14px; }
        .dots i { width: 22px; height: 22px; border-radius: 50%; color: #fff; font-style: normal;
          font-size: 12px; font-weight: 700; line-height: 22px; text-align: center;
          text-transform: uppercase; background: var(--none); }
        .blue { background: var(--blue) !important; }
        .green { background: var(--green) !important; }
        .orange { background: var(--orange) !important; }
        .buttons { display: flex; flex-wrap: wrap; gap: 8px; margin-top: auto; }
        details { margin-top: 20px; background: var(--card); border: 1px solid var(--line);
          border-radius: 14px; padding: 12px 20px; }
        summary { cursor: pointer; }
        pre { margin: 12px 0 4px; font-size: 13px; line-height: 1.5; white-space: pre-wrap;
          overflow-wrap: anywhere; color: var(--soft); }
        </style>
        </head>
        <body>
        <main>
        <header>
        <h1>Which backend answers?</h1>
        <p>Three backends stand behind the proxy. A client with the cookie always comes back to its
        own; a client without one is new each time, and goes to whoever is next.</p>
        </header>
        <div class="bar">
        <button class="main" id="forget">Forget the cookie</button>
        <button id="pause">Pause</button>
        </div>
        <div class="grid" id="grid"></div>
        <details>
        <summary>What the backend saw of the last request with the cookie</summary>
        <pre id="head">Nothing yet.</pre>
        </details>
        </main>
        <script>
        'use strict';
        const dotsMax = 36;

        class Card {
          constructor(title, way) {
            this.answers = [];
            this.work = Promise.resolve();
            this.workCount = 0;
            this.element = document.createElement('article');
            this.element.innerHTML = '<h2></h2><p class="way"></p>' +
              '<div class="now" aria-live="polite">...</div><p class="verdict"></p>' +
              '<div class="dots"></div><div class="buttons"></div>';
            this.part('h2').textContent = title;
            this.part('.way').textContent = way;
            document.getElementById('grid').append(this.element);
          }
          part(selector) { return this.element.querySelector(selector); }
          button(text, action) {
            const button = document.createElement('button');
            button.textContent = text;
            button.onclick = () => this.run(action);
            this.part('.buttons').append(button);
          }
          // One thing after another: a reconnect would cut off messages under way.
          run(action) {
            this.workCount += 1;
            this.work = this.work.then(action).finally(() => { this.workCount -= 1; });
            return this.work;
          }
          show(backend) {
            this.part('.now').textContent = backend || 'no answer';
            this.part('.now').className = 'now ' + backend;
            const dot = document.createElement('i');
            dot.className = backend;
            dot.textContent = backend ? backend[0] : '!';
            dot.title = backend || 'no answer';
            this.part('.dots').append(dot);
            this.answers.push(backend);
            if (this.answers.length > dotsMax) {
              this.answers.shift();
              this.part('.dots').firstChild.remove();
            }
            this.judge();
          }
          judge() {
            const counts = new Map();
            for (const name of this.answers) counts.set(name, (counts.get(name) || 0) + 1);
            const parts = [...counts].sort().map(([name, n]) => (name || 'nobody') + ' ' + n);
            const last = this.answers.length === 1 ? 'One answer: '
              : 'The last ' + this.answers.length + ' answers: ';
            this.part('.verdict').textContent = last +
              (counts.size === 1 ? 'always ' + (this.answers[0] || 'nobody')
                : parts.join(', ')) + '.';
          }
          clear() {
            this.answers = [];
            this.part('.dots').textContent = '';
            this.part('.verdict').textContent = '';
          }
        }

        class HTTPCard extends Card {
          constructor(title, way, credentials) {
            super(title, way);
            this.credentials = credentials;
            this.button('Send 10 requests', () => this.send(10));
          }
          tick() { if (!this.workCount) this.run(() => this.send()); }
          async send(count = 1) {
            for (let i = 0; i < count; i += 1) {
              try {
                const options = { credentials: this.credentials, cache: 'no-store' };
                const report = await (await fetch('/whoami', options)).json();
                this.show(report.backend);
                if (this.onHead) this.onHead(report);
              } catch { this.show(''); }
            }
          }
        }

        class WebSocketCard extends Card {
          constructor(title, way, path) {
            super(title, way);
            this.url = location.origin.replace('http', 'ws') + path;
            this.button('Send 10 messages', () => this.send(10));
            this.button('Reconnect', () => this.reconnect());
            this.button('Reconnect 10 times', () => this.reconnect(10));
          }
          tick() { if (!this.workCount) this.run(() => this.reconnect()); }
          async send(count = 1) {
            for (let i = 0; i < count; i += 1) this.show(await this.ask());
          }
          async reconnect(count = 1) {
            for (let i = 0; i < count; i += 1) {
              if (this.socket) this.socket.close();
              this.socket = null;
              this.show(await this.ask());
            }
          }
          connect() {
            if (this.socket && this.socket.readyState <= WebSocket.OPEN) return this.opened;
            const socket = new WebSocket(this.url);
            this.waiting = [];
            const waiting = this.waiting;
            const fail = () => { while (waiting.length) waiting.shift()(''); };
            socket.onmessage = event => {
              const answered = waiting.shift();
              if (answered) answered(event.data.split(':')[0]);
            };
            this.socket = socket;
            this.opened = new Promise(resolve => {
              socket.onopen = () => resolve(true);
              socket.onclose = () => { resolve(false); fail(); };
            });
            return this.opened;
          }
          async ask() {
            const opening = this.connect();
            const socket = this.socket;
            const waiting = this.waiting;
            if (!await opening || socket.readyState !== WebSocket.OPEN) return '';
            return new Promise(resolve => { waiting.push(resolve); socket.send('hello'); });
          }
        }

        const kept = new HTTPCard('HTTP, with the cookie',
          'The browser sends the cookie that the first answer set.', 'same-origin');
        const bare = new HTTPCard('HTTP, without the cookie',
          'The same requests, with the cookie left out.', 'omit');
        const socket = new WebSocketCard('WebSocket, with the cookie',
          'A new connection each time; its handshake carries the cookie.', '/live');
        const loose = new WebSocketCard('WebSocket, without affinity',
          'A new connection each time, on a route that remembers nobody.', '/none');
        const cards = [kept, bare, socket, loose];

        kept.onHead = report => {
          document.getElementById('head').textContent =
            report.backend + ', request ' + report.requests + ' of all it had\\n\\n' +
            report.head.join('\\n');
        };

        let isPaused = false;
        let isForgetting = false;
        document.getElementById('forget').onclick = async () => {
          isForgetting = true;
          try {
            await fetch('/forget', { cache: 'no-store' });
            // One after the other: the first answer sets the new cookie.
            await kept.run(() => { kept.clear(); return kept.send(); });
            await socket.run(() => { socket.clear(); return socket.reconnect(); });
          } finally { isForgetting = false; }
        };

        const pause = document.getElementById('pause');
        pause.onclick = () => {
          isPaused = !isPaused;
          pause.textContent = isPaused ? 'Go on' : 'Pause';
        };

        async function start() {
          await kept.run(() => kept.send(8));
          await Promise.all([bare.run(() => bare.send(8)),
            socket.run(() => socket.reconnect(8)), loose.run(() => loose.reconnect(8))]);
          setInterval(() => {
            if (!isPaused && !isForgetting && !document.hidden) cards.forEach(card => card.tick());
          }, 1500);
        }
        start();
        </script>
        </body>
        </html>

        """
}
