// What passed and what failed: a check is a named group of expectations about one report.

/** Failures shown of one check: the first few tell what is wrong. */
const SHOWN = 8;

export class Tally {
  passed = 0;
  failed = 0;

  /**
   * Runs a check and prints what failed. One which expected nothing fails: it would prove nothing.
   * @returns how many expectations there were
   */
  async check(report, name, expectations) {
    const found = [];
    let count = 0;
    const expect = (held, words) => {
      count += 1;
      if (!held) found.push(typeof words === "function" ? words() : words);
    };
    try {
      await expectations(expect);
    } catch (error) {
      found.push(error.stack.split("\n").slice(0, 4).join(" "));
    }
    if (count === 0 && found.length === 0) found.push("nothing was looked at");
    if (found.length === 0) {
      this.passed += 1;
    } else {
      this.failed += 1;
      console.log(`FAILED ${report}: ${name}`);
      for (const words of found.slice(0, SHOWN)) console.log(`    ${words.slice(0, 400)}`);
      if (found.length > SHOWN) console.log(`    … and ${found.length - SHOWN} more`);
    }
    return count;
  }
}
