given("of-cope__blind",{"outcomes":"323333323322323323322323","labels":null});
