/// The parts of the dashboard.
enum DashboardText {
    static let head = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>l7proxy</title>
        <link rel="icon" href="data:,">

        """

    static let style = """
        :root { --ink: #172033; --soft: #5b6579; --line: #d9dfe8; --paper: #f4f6f9;
          --card: #fff; --ready: #047857; --drain: #b45309; --down: #b91c1c; }
        @media (prefers-color-scheme: dark) {
          :root { --ink: #e6eaf2; --soft: #9aa5b8; --line: #2b3446; --paper: #0f1420;
            --card: #181f2e; --ready: #34d399; --drain: #fbbf24; --down: #f87171; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--paper); color: var(--ink);
          font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }
        main { max-width: 1200px; margin: 0 auto; padding: 24px 20px 40px; }
        h1 { font-size: 24px; margin: 0; }
        h2 { font-size: 16px; margin: 0 0 8px; }
        .bar { display: flex; flex-wrap: wrap; gap: 6px 28px; margin: 8px 0 20px;
          color: var(--soft); }
        .bar b { color: var(--ink); font-variant-numeric: tabular-nums; }
        section { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
          padding: 16px 18px; margin-bottom: 18px; overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        th { text-align: left; font-weight: 600; color: var(--soft); font-size: 13px; }
        th, td { padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line);
          white-space: nowrap; }
        tr:last-child td { border-bottom: 0; }
        .number { text-align: right; }
        .ready { color: var(--ready); } .drain { color: var(--drain); }
        .down { color: var(--down); }
        .state { font-weight: 600; }
        button { font: inherit; font-size: 13px; padding: 1px 9px; margin-right: 6px;
          border-radius: 7px; border: 1px solid var(--line); background: var(--card);
          color: var(--ink); cursor: pointer; }
        form { margin-bottom: 20px; }
        button:hover { border-color: var(--soft); }
        .note { color: var(--soft); margin: 0; }
        """

    static let body = """

        </head>
        <body>
        <main>
        <h1>l7proxy</h1>
        <div class="bar" id="bar"></div>
        <form id="entry" hidden><label>token
        <input id="token" type="password" autocomplete="current-password"></label>
        <button>show</button></form>
        <section><h2>Backends</h2><table id="backends"></table></section>
        <section><h2>Where requests went, and why</h2><table id="decisions"></table></section>
        <section><h2>Sessions by address, and learned</h2><table id="sessions"></table>
        <p class="note" id="more"></p></section>
        </main>
        </body>
        </html>

        """

    static let script = """
        'use strict';
        const byId = id => document.getElementById(id);

        // Where a token is required, the page asks for it, and keeps it as long as its tab.
        let token = sessionStorage.getItem('token') || '';
        byId('entry').onsubmit = event => {
          event.preventDefault();
          token = byId('token').value.trim();
          sessionStorage.setItem('token', token);
          byId('token').value = '';
          refresh();
        };

        async function ask(path, method) {
          const headers = token ? { Authorization: 'Bearer ' + token } : {};
          const answer = await fetch(path, { method: method || 'GET', headers });
          if (answer.status === 401) throw new Error('A token is required.');
          return answer;
        }

        function cell(row, text, className) {
          const cell = row.insertCell();
          cell.textContent = text;
          if (className) cell.className = className;
          return cell;
        }

        function fill(table, heading, rows, write) {
          table.textContent = '';
          const head = table.createTHead().insertRow();
          for (const [name, className] of heading) {
            const cell = document.createElement('th');
            cell.textContent = name;
            if (className) cell.className = className;
            head.append(cell);
          }
          const body = table.createTBody();
          for (const row of rows) write(body.insertRow(), row);
        }

        // What is in the quotes of a label may be escaped.
        function parse(text) {
          const samples = [];
          for (const line of text.split('\\n')) {
            const match = /^([a-z0-9_]+)(?:\\{(.*)\\})? (\\S+)$/.exec(line);
            if (!match) continue;
            const labels = {};
            const pattern = /([a-z_]+)="((?:[^"\\\\]|\\\\.)*)"/g;
            for (const [, name, value] of (match[2] || '').matchAll(pattern)) {
              labels[name] = value.replace(/\\\\(.)/g, (_, c) => c === 'n' ? '\\n' : c);
            }
            samples.push({ name: match[1], labels, value: Number(match[3]) });
          }
          return samples;
        }

        let before = new Map();
        let beforeAt = 0;

        function rates(samples) {
          const now = performance.now() / 1000;
          const current = new Map();
          const result = [];
          for (const sample of samples) {
            const key = sample.name + JSON.stringify(sample.labels);
            current.set(key, sample.value);
            const last = before.has(key) ? before.get(key) : (beforeAt ? 0 : sample.value);
            const rate = beforeAt ? Math.max(0, sample.value - last) / (now - beforeAt) : 0;
            result.push({ ...sample, rate });
          }
          [before, beforeAt] = [current, now];
          return result;
        }

        const digits = number => number.toLocaleString('en', { maximumFractionDigits: 1 });

        function showBar(samples, ready) {
          const value = name => (samples.find(s => s.name === name) || { value: 0 }).value;
          const sum = (name, field) => samples.filter(s => s.name === name)
            .reduce((total, s) => total + s[field], 0);
          const items = [['state', ready], ['requests a second',
            digits(sum('l7proxy_requests_total', 'rate'))],
            ['requests', digits(sum('l7proxy_requests_total', 'value'))],
            ['clients', digits(value('l7proxy_connections'))],
            ['tunnels', digits(sum('l7proxy_backend_tunnels', 'value'))],
            ['sessions in the table', digits(value('l7proxy_sessions'))],
            ['reloads', digits(value('l7proxy_config_reloads_total'))],
            ['reloads that failed', digits(value('l7proxy_config_reload_failures_total'))]];
          byId('bar').textContent = '';
          for (const [name, text] of items) {
            const item = document.createElement('span');
            const strong = document.createElement('b');
            strong.textContent = text;
            item.append(strong, ' ' + name);
            byId('bar').append(item);
          }
        }

        async function order(backend, state) {
          const path = '/api/backends/' + encodeURIComponent(backend.name) + '/' + state +
            '?service=' + encodeURIComponent(backend.service);
          await ask(path, 'POST');
          refresh();
        }

        function showBackends(backends) {
          const heading = [['service'], ['backend'], ['state'], ['wanted'],
            ['requests', 'number'], ['tunnels', 'number'], ['sessions, 5 min', 'number'],
            ['latency', 'number'], ['']];
          fill(byId('backends'), heading, backends, (row, backend) => {
            cell(row, backend.service);
            cell(row, backend.name);
            const why = backend.ejected ? ' (failing)' : '';
            cell(row, backend.state + why, 'state ' + backend.state);
            cell(row, backend.administrative, backend.administrative);
            cell(row, digits(backend.requests), 'number');
            cell(row, digits(backend.tunnels), 'number');
            cell(row, digits(backend.recentSessions), 'number');
            const latency = backend.latencyMicroseconds;
            cell(row, latency === null ? '' : digits(latency / 1000) + ' ms', 'number');
            const orders = cell(row, '');
            for (const state of ['ready', 'drain', 'down']) {
              if (state === backend.administrative) continue;
              const button = document.createElement('button');
              button.textContent = state;
              button.onclick = () => order(backend, state);
              orders.append(button);
            }
          });
        }

        function showDecisions(samples) {
          const rows = samples.filter(s => s.name === 'l7proxy_affinity_decisions_total')
            .sort((a, b) => b.value - a.value).slice(0, 50);
          const heading = [['route'], ['service'], ['kind'], ['reason'],
            ['a second', 'number'], ['in all', 'number']];
          fill(byId('decisions'), heading, rows, (row, s) => {
            for (const name of ['route', 'service', 'kind', 'reason']) cell(row, s.labels[name]);
            cell(row, digits(s.rate), 'number');
            cell(row, digits(s.value), 'number');
          });
        }

        function showSessions(page) {
          const heading = [['client'], ['service'], ['backend'],
            ['seconds left', 'number'], ['tunnels', 'number']];
          fill(byId('sessions'), heading, page.sessions, (row, session) => {
            for (const name of ['client', 'service', 'backend']) cell(row, session[name]);
            cell(row, digits(session.secondsLeft), 'number');
            cell(row, digits(session.tunnels), 'number');
          });
          byId('more').textContent = page.next ? 'and more: l7proxy sessions shows all'
            : page.sessions.length ? '' : 'None. Sessions by cookie are with the clients.';
        }

        async function refresh() {
          try {
            const [ready, metrics, backends, sessions] = await Promise.all([
              ask('/readyz').then(r => r.text()), ask('/metrics').then(r => r.text()),
              ask('/api/backends').then(r => r.json()),
              ask('/api/sessions?limit=20').then(r => r.json())]);
            byId('entry').hidden = true;
            const samples = rates(parse(metrics));
            showBar(samples, ready.trim());
            showBackends(backends.backends);
            showDecisions(samples);
            showSessions(sessions);
          } catch (error) {
            const wantsToken = error.message.startsWith('A token');
            byId('entry').hidden = !wantsToken;
            byId('bar').textContent = wantsToken ? error.message : 'The process does not answer.';
          }
        }
        refresh();
        setInterval(() => { if (!document.hidden) refresh(); }, 2000);
        """
}
