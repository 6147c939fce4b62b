given("of-rgb__pllava_5",{"outcomes":"321333223333212333332313","labels":null});
