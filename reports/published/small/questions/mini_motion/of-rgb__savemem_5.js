given("of-rgb__savemem_5",{"outcomes":"323223231321212333122333","labels":null});
