given("of-cope__cope_motion",{"outcomes":"132111211211333311121131","labels":null});
