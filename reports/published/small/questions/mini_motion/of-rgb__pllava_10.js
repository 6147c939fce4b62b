given("of-rgb__pllava_10",{"outcomes":"323333233333212333132313","labels":null});
