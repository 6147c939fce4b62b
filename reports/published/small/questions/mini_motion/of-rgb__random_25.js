given("of-rgb__random_25",{"outcomes":"323333231323212123122313","labels":null});
