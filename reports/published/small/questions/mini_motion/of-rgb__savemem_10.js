given("of-rgb__savemem_10",{"outcomes":"323223231321212333122333","labels":null});
