given("of-rgb__savemem_50",{"outcomes":"323223213321312333122333","labels":null});
