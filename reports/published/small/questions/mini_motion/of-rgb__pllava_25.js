given("of-rgb__pllava_25",{"outcomes":"321333233323212123122313","labels":null});
