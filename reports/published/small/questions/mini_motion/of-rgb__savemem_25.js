given("of-rgb__savemem_25",{"outcomes":"323223231323312333122333","labels":null});
