given("of-rgb__blind",{"outcomes":"321333323322223323332323","labels":null});
