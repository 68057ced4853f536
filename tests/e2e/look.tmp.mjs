import { chromium } from "playwright-core";
const base="http://127.0.0.1:18090";
const [user,pass,...paths]=process.argv.slice(2);
const b=await chromium.launch({executablePath:"/usr/bin/chromium",args:["--no-sandbox","--use-angle=swiftshader","--enable-unsafe-swiftshader"]});
const c=await b.newContext({locale:"pt-BR",viewport:{width:1280,height:900}});
const p=await c.newPage();
await p.goto(base+"/console/login"); await p.fill("[name=username]",user); await p.fill("[name=password]",pass); await p.click("main button.primary"); await p.waitForURL(base+"/console");
let i=0;
for (const path of paths){ const t=Date.now(); const r=await p.goto(base+path); await p.waitForTimeout(700); const w=await p.evaluate(()=>[document.documentElement.scrollWidth,document.documentElement.clientWidth]); console.log(path,r.status(),Date.now()-t,"ms",w.join("/")); await p.screenshot({path:`/tmp/shot-${i++}.png`,fullPage:false}); }
await b.close();
