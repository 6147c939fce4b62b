given("of-cope__cope_1k",{"outcomes":"312111211213312311121131","labels":null});
